/** What jsdom leaves out of the web and the components need. */
import { configure } from '@testing-library/svelte';
import { beforeAll } from 'vitest';

// Working out what is hidden takes most of a test's time, and nothing here is hidden in place.
configure({ defaultHidden: true });

// Nothing is laid out here, and every rule makes every look for a role slower.
beforeAll(() => document.querySelectorAll('style').forEach((style) => style.remove()));

// Modal dialogs: jsdom knows the element and its `open`, not the showing.
HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  if (!this.open) return;
  this.open = false;
  this.dispatchEvent(new Event('close'));
};

Element.prototype.scrollIntoView = function () {};

// Nothing has a size here, and so none that changes.
window.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

/** Wide by default; a test of the narrow window says otherwise. */
let narrow = false;
export function setNarrow(value: boolean): void {
  narrow = value;
}
window.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    media,
    get matches() {
      return narrow;
    },
  }) as MediaQueryList;
