/**
 * Keeps the keyboard's focus inside `place` while what is in it changes with `changes`: where the button that was
 * pressed has gone, the first one left takes it, and without one the `fallback`. Called while a component is made.
 */
export function keepFocus(
  place: () => HTMLElement | undefined,
  fallback: () => HTMLElement | undefined,
  changes: () => unknown,
): void {
  let inside = false;
  $effect.pre(() => {
    changes();
    inside = place()?.contains(document.activeElement) ?? false;
  });
  $effect(() => {
    changes();
    if (!inside || place()?.contains(document.activeElement)) return;
    (place()?.querySelector('button') ?? fallback())?.focus();
  });
}
