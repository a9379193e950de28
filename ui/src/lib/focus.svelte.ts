/**
 * Keeps the keyboard's focus inside `place` while what is in it changes with `changes`: what had it keeps it, even
 * where it was moved; where it has gone, the first button left takes the focus, and without one the `fallback`.
 * Called while a component is made.
 */
export function keepFocus(
  place: () => HTMLElement | undefined,
  fallback: () => { focus: () => void } | undefined,
  changes: () => unknown,
): void {
  let before: HTMLElement | null = null;
  $effect.pre(() => {
    changes();
    const active = document.activeElement;
    before = active instanceof HTMLElement && place()?.contains(active) ? active : null;
  });
  $effect(() => {
    changes();
    if (!before || place()?.contains(document.activeElement)) return;
    const still = place()?.contains(before) ? before : place()?.querySelector('button');
    (still ?? fallback())?.focus();
  });
}
