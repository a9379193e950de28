/** Whether what is written can be read, in light and in dark. */
import { describe, expect, it } from 'vitest';
import tokens from './tokens.css?raw';

type Theme = Record<string, string>;

const pairs = [...tokens.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)];
const themes: Record<string, Theme> = {
  light: Object.fromEntries(pairs.map(([, name, light]) => [name, light])),
  dark: Object.fromEntries(pairs.map(([, name, , dark]) => [name, dark])),
};
/** What text stands on. */
const grounds = ['bg', 'bg-side', 'bg-raised', 'bg-hover', 'accent-soft'];

describe.each(Object.entries(themes))('colours in %s', (_name, theme) => {
  const between = (ink: string, ground: string) => contrast(theme[ink]!, theme[ground]!);

  it.each(grounds)('can be read on %s', (ground) => {
    expect(between('text', ground), 'text').toBeGreaterThanOrEqual(7);
    expect(between('text-2', ground), 'secondary text').toBeGreaterThanOrEqual(4.5);
    expect(between('accent', ground), 'a link').toBeGreaterThanOrEqual(4.5);
  });

  it.each(['mark', 'mark-selected', 'bg-chip'])('let the text be read that %s is behind', (ground) => {
    expect(between('text', ground)).toBeGreaterThanOrEqual(7);
  });

  it.each([
    ['on-accent', 'accent'],
    ['on-accent', 'accent-strong'],
    ['text-2', 'bg-chip'],
    ['amber', 'amber-soft'],
    ['amber', 'bg'],
    ['amber', 'bg-side'],
    ['red', 'red-soft'],
    ['red', 'bg'],
    ['red', 'bg-side'],
    ['red', 'bg-raised'],
    ['red', 'bg-hover'],
    ['green', 'bg'],
    ['green', 'bg-side'],
  ])('tell %s from %s', (ink, ground) => {
    expect(between(ink, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it('show where a field is, and what has the focus', () => {
    // WCAG 1.4.11: the edge is all that shows it.
    for (const ground of ['bg', 'bg-raised']) {
      expect(between('edge', ground), `edge on ${ground}`).toBeGreaterThanOrEqual(3);
      expect(between('accent', ground), `focus on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('tokens', () => {
  it('say each colour for light and for dark', () => {
    expect(pairs.length).toBeGreaterThan(20);
    expect(tokens.match(/: #[0-9a-f]{3,8};/g), 'a colour of one theme alone').toBeNull();
  });

  it('let a choice win over the system', () => {
    expect(tokens).toMatch(/\[data-theme='light'\] \{\s*color-scheme: light;/);
    expect(tokens).toMatch(/\[data-theme='dark'\] \{\s*color-scheme: dark;/);
    expect(tokens, 'a rule of its own would not follow a choice').not.toContain('prefers-color-scheme');
  });
});

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
