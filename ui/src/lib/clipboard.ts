/** Copies text. Says false when the system refused. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyThroughField(text);
  }
}

/** For web views that keep the clipboard interface from pages of a custom scheme. */
function copyThroughField(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  let copied = false;
  try {
    copied = document.execCommand('copy');
  } catch {
    // Nothing is left to try; the caller says so.
  }
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
