// What a person could not see or reach in this page, in words; an empty list if all is well.
// Runs as the body of a function in the page.
const faults = [];
const page = document.documentElement;
if (page.scrollWidth > page.clientWidth) faults.push(`the page is ${page.scrollWidth - page.clientWidth} px too wide`);
if (page.scrollHeight > page.clientHeight) faults.push(`the page is ${page.scrollHeight - page.clientHeight} px too high`);

// Under a dialog, the rest of the page is not there.
const root = document.querySelector('dialog[open]') ?? document.body;
const name = (element) => {
  const words = element.getAttribute('aria-label') ?? element.innerText ?? '';
  return `${element.localName} “${words.trim().slice(0, 40)}”`;
};
const hidden = (element) =>
  !element.checkVisibility({ visibilityProperty: true }) || element.closest('.visually-hidden, [hidden], option, svg');
// Names that a narrow window keeps for screen readers only.
const unseen = (element) => {
  for (let at = element; at; at = at.parentElement) if (getComputedStyle(at).clipPath !== 'none') return true;
  return false;
};

/** Where a box is cut by what is around it. Text may end in an ellipsis, and lists may scroll down. */
function cut(box, element) {
  let ellipsis = false;
  let scrolls = false;
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    ellipsis ||= style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
    if (style.overflowX === 'visible' && style.overflowY === 'visible') continue;
    const edge = at.getBoundingClientRect();
    const clamped = style.webkitLineClamp !== 'none';
    if (!ellipsis && (box.left < edge.left - 1 || box.right > edge.right + 1)) return 'at the side';
    if (style.overflowY === 'auto' || style.overflowY === 'scroll') scrolls = true;
    else if (!scrolls && !clamped && (box.top < edge.top - 1 || box.bottom > edge.bottom + 1)) return 'above or below';
    if (clamped) return null;
    // It lies over everything: what is around it in the page cuts nothing off.
    if (at === root && at.localName === 'dialog') break;
  }
  if (!ellipsis && (box.left < -1 || box.right > innerWidth + 1)) return 'by the window’s side';
  if (!scrolls && (box.top < -1 || box.bottom > innerHeight + 1)) return 'by the window’s edge';
  return null;
}

for (const element of root.querySelectorAll('button, input, select, textarea, [role=option], a')) {
  if (hidden(element) || unseen(element)) continue;
  const box = element.getBoundingClientRect();
  if (box.width < 12 || box.height < 12) faults.push(`${name(element)} is ${box.width} × ${box.height}`);
  const where = cut(box, element);
  if (where) faults.push(`${name(element)} is cut ${where}`);
}
const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || hidden(element) || unseen(element)) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const box of range.getClientRects()) {
    const where = box.width > 0 && cut(box, element);
    if (where) faults.push(`the text “${node.data.trim().slice(0, 40)}” is cut ${where}`);
  }
}
return [...new Set(faults)];
