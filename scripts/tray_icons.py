"""Draws the tray's icons, one a state: `python3 scripts/tray_icons.py`, with rsvg-convert at hand.

A state is told by a sign in the lower right corner, not by a colour. For macOS black with alpha, which the system paints
in the colour of its menu bar; elsewhere in a violet that reads on black and on white.
"""

import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "icons" / "tray"

SIGNS = {
    "idle": "",
    "syncing": "M15 20.2v-6m0 0-1.9 1.9M15 14.2l1.9 1.9M19.2 14v6m0 0-1.9-1.9M19.2 20l1.9-1.9",
    "downloading": "M17 13.2v5m0 0-2.2-2.2M17 18.2l2.2-2.2M14 20.8h6",
    "attention": "M17 13.2v4.4M17 20.6v.1",
    "offline": "M14.4 14.4l5.2 5.2M19.6 14.4l-5.2 5.2",
    "paused": "M15.3 13.8v6.4M18.7 13.8v6.4",
}

BODY = {
    "mac": (
        '<path d="M6.5 3.5h9M5 6.25h12" fill="none" stroke="#000" stroke-width="1.5" stroke-linecap="round"/>'
        '<path fill="#000" fill-rule="evenodd" d="M5 9h12a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-6a2 2 0 0 1 '
        "2-2Zm6 1.4c.4 2.6 1 3.2 3.6 3.6-2.6.4-3.2 1-3.6 3.6-.4-2.6-1-3.2-3.6-3.6 2.6-.4 3.2-1 3.6-3.6Z\"/>",
        "#000",
    ),
    "other": (
        '<path d="M6.5 3.5h9M5 6.25h12" fill="none" stroke="#7f84f2" stroke-width="1.5" stroke-linecap="round"/>'
        '<rect x="3" y="9" width="16" height="10" rx="2" fill="#6a6fe6"/>'
        '<path fill="#fff" d="M11 10.2c.45 2.7 1.1 3.35 3.8 3.8-2.7.45-3.35 1.1-3.8 3.8-.45-2.7-1.1-3.35-3.8-3.8 '
        '2.7-.45 3.35-1.1 3.8-3.8Z"/>',
        "#8f94ff",
    ),
}


def svg(system: str, sign: str) -> str:
    body, colour = BODY[system]
    if not sign:
        inner = body
    else:
        hole = '<mask id="m"><rect width="22" height="22" fill="#fff"/><circle cx="17" cy="17" r="6" fill="#000"/></mask>'
        stroke = f'fill="none" stroke="{colour}" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"'
        inner = f'{hole}<g mask="url(#m)">{body}</g><path d="{sign}" {stroke}/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="22" height="22" viewBox="0 0 22 22">{inner}</svg>'


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for system, pixels in (("mac", 44), ("other", 64)):
        for state, sign in SIGNS.items():
            target = FOLDER / f"{state}-{system}.png"
            command = ["rsvg-convert", "-w", str(pixels), "-h", str(pixels), "-o", str(target)]
            subprocess.run(command, input=svg(system, sign).encode(), check=True)


if __name__ == "__main__":
    main()
