/** What the engine says of an error goes on after a colon in a terminal. In a window it is a sentence, and so is what leads to one. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…:]$/.test(begun) ? begun : `${begun}.`;
}
