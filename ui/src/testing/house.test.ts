/** Rules about the sources themselves. */
import { describe, expect, it } from 'vitest';
import { components, shipped, sources } from './sources';

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

  it('shows what an error says only as it is explained in the window’s language', () => {
    const strays = components.filter(({ text }) => /\.message\b/.test(text));
    expect(strays.map(({ path }) => path)).toEqual([]);
  });

  it('shows memories as text, never as markup, and carries no inline style', () => {
    for (const { path, text } of components) {
      expect(text.includes('{@html'), path).toBe(false);
      expect(/\sstyle(=|:)/.test(text), `${path}: the content policy forbids inline styles`).toBe(false);
    }
  });
});
