/**
 * Shows a dialog above an inert window and puts the focus in it. Returns what closes it and gives the
 * focus back: the browser would, but not for a dialog that leaves the page while it is open.
 */
export function openModal(dialog: HTMLDialogElement, first: HTMLElement = dialog): () => void {
  const before = document.activeElement;
  dialog.showModal();
  first.focus();
  return () => {
    dialog.close();
    const gone = !(before instanceof HTMLElement) || before === document.body || !before.isConnected;
    const back = gone ? document.querySelector<HTMLElement>('[role=combobox]') : before;
    back?.focus();
  };
}
