/** Rules about the sources themselves. */
import { parse, type AST } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';
import en from '../strings/en.json';
import { t } from '../strings';
import tokens from '../styles/tokens.css?raw';

const glob = (files: Record<string, unknown>) =>
  Object.entries(files as Record<string, string>).map(([path, text]) => ({
    path: path.replace('../', ''),
    text,
  }));
const sources = glob(
  import.meta.glob('../**/*.{ts,svelte}', { query: '?raw', import: 'default', eager: true }),
);
const shipped = sources.filter(({ path }) => !path.startsWith('./') && !path.endsWith('.test.ts'));
const components = shipped.filter(({ path }) => path.endsWith('.svelte'));

describe('the house', () => {
  it('reaches the shell through backend/ alone', () => {
    const strays = shipped.filter(
      ({ path, text }) => !path.startsWith('backend/') && text.includes('@tauri-apps'),
    );
    expect(strays.map(({ path }) => path)).toEqual([]);
    expect(components.length, 'the glob still finds the components').toBeGreaterThan(10);
  });

  it('keeps files short enough to read in one go', () => {
    const long = sources.filter(
      ({ path, text }) => !path.includes('bindings') && text.split('\n').length > 400,
    );
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('shows memories as text, never as markup, and carries no inline style', () => {
    for (const { path, text } of components) {
      expect(text.includes('{@html'), path).toBe(false);
      expect(/\sstyle(=|:)/.test(text), `${path}: the content policy forbids inline styles`).toBe(false);
    }
  });
});

describe('strings', () => {
  const quoted = new Set(
    shipped.flatMap(({ text }) => [...text.matchAll(/'([a-z]\w*(?:\.\w+)?)'/gi)].map(([, key]) => key!)),
  );

  it('are all used: a key appears, quoted, in some source', () => {
    expect(Object.keys(en).filter((key) => !quoted.has(key))).toEqual([]);
  });

  it('stand in the file, not in components', () => {
    const found = components.flatMap(({ path, text }) => literals(text).map((words) => `${path}: ${words}`));
    expect(found).toEqual([]);
  });

  it('choose the plural form by the number and write it for people', () => {
    expect(t('count.results', { n: 1 })).toBe('1 result');
    expect(t('count.results', { n: 0 })).toBe('0 results');
    expect(t('count.results', { n: 1200 })).toBe('1,200 results');
  });

  it('fill in a memory’s text as it is, braces and all', () => {
    expect(t('none.title', { text: '{n} $& <b>' })).toBe('Nothing found for “{n} $& <b>”');
  });

  it('never shout', () => {
    expect(JSON.stringify(en)).not.toContain('!');
  });
});

describe('colours', () => {
  const [light = '', dark = ''] = tokens.split('prefers-color-scheme: dark');
  const themes = { light: colours(light), dark: { ...colours(light), ...colours(dark) } };
  const body = ['bg', 'bg-side', 'bg-raised', 'bg-hover', 'accent-soft'];

  it.each(Object.entries(themes))('can be read in %s', (_name, theme) => {
    for (const ground of body) {
      expect(contrast(theme['text']!, theme[ground]!), `text on ${ground}`).toBeGreaterThanOrEqual(7);
      expect(contrast(theme['text-2']!, theme[ground]!), `secondary on ${ground}`).toBeGreaterThanOrEqual(
        4.5,
      );
      expect(contrast(theme['accent']!, theme[ground]!), `accent on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const ground of ['mark', 'mark-selected', 'bg-chip']) {
      expect(contrast(theme['text']!, theme[ground]!), `text on ${ground}`).toBeGreaterThanOrEqual(7);
    }
    for (const [ink, ground] of [
      ['on-accent', 'accent'],
      ['on-accent', 'accent-strong'],
      ['amber', 'amber-soft'],
      ['amber', 'bg-side'],
      ['red', 'red-soft'],
      ['red', 'bg'],
      ['red', 'bg-raised'],
      ['green', 'bg-side'],
    ] as const) {
      expect(contrast(theme[ink]!, theme[ground]!), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    // WCAG 1.4.11: the edge is all that shows where a field is.
    expect(contrast(theme['edge']!, theme['bg']!), 'edge of a field').toBeGreaterThanOrEqual(3);
  });
});

/** Words a person would see or hear, written in a template instead of the strings file. */
function literals(source: string): string[] {
  const found: string[] = [];
  const spoken = new Set(['aria-label', 'title', 'placeholder', 'alt', 'label']);
  const words = (text: string) => /\p{L}{2}/u.test(text);
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node !== 'object' || node === null) return;
    const part = node as { type?: string; data?: string; name?: string; value?: unknown };
    if (part.type === 'Text' && words(part.data ?? '')) found.push(part.data!.trim());
    if (part.type === 'Attribute') {
      if (spoken.has(part.name ?? '')) walk(part.value);
      return;
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'metadata') walk(child);
  };
  const root: AST.Root = parse(source, { modern: true });
  walk(root.fragment);
  return found;
}

function colours(css: string): Record<string, string> {
  return Object.fromEntries(
    [...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]),
  );
}

/** Contrast as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
