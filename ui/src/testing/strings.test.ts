/** The words are all there, in every language, used, and nowhere but in their files. */
import { describe, expect, it } from 'vitest';
import { german } from '../strings/de';
import { english, type Entries, type Entry } from '../strings/en';
import { called, components, outcomes, parsed, shipped, sources, walk, type Node } from './sources';

type Words = Record<string, Entry>;

const files = Object.entries(
  import.meta.glob('../strings/*/*.json', { import: 'default', eager: true }) as Record<string, Words>,
).map(([path, words]) => {
  const [, language = '', area = ''] = /strings\/(\w+)\/(\w+)\.json$/.exec(path) ?? [];
  return { language, area, words };
});
const languages: Record<string, Entries> = { en: english, de: german };
const trees = shipped.map(parsed);

/** Keys that are put together when the app runs: how they begin, and why they can’t be written out. */
const DYNAMIC: Record<string, string> = {};

/** Words that are the same in every language and may stand in a template, with the reason. */
const SAME_EVERYWHERE: Record<string, string> = { Papr: 'the name of the product' };

describe('the files of words', () => {
  it('are the same areas in each language, and all are merged', () => {
    for (const [language, merged] of Object.entries(languages)) {
      const mine = files.filter((file) => file.language === language);
      expect(mine.map(({ area }) => area).sort(), language).toEqual(areas('en'));
      expect(Object.keys(merged).sort(), language).toEqual(
        mine.flatMap(({ words }) => Object.keys(words)).sort(),
      );
    }
    expect(new Set(files.map(({ language }) => language))).toEqual(new Set(Object.keys(languages)));
  });

  it('hold each key in one area only', () => {
    for (const language of Object.keys(languages)) {
      const keys = files
        .filter((file) => file.language === language)
        .flatMap(({ words }) => Object.keys(words));
      expect(
        keys.filter((key, at) => keys.indexOf(key) !== at),
        language,
      ).toEqual([]);
    }
  });

  it.each(areas('en'))('have the same keys in every language: %s', (area) => {
    const keys = (language: string) =>
      Object.keys(files.find((file) => file.language === language && file.area === area)?.words ?? {}).sort();
    for (const language of Object.keys(languages)) expect(keys(language), language).toEqual(keys('en'));
  });

  it('have the same plural forms and placeholders in every language', () => {
    const odd = Object.keys(english).filter((key) =>
      Object.values(languages).some((words) => mark((words as Words)[key]) !== mark((english as Words)[key])),
    );
    expect(odd).toEqual([]);
  });

  it('say something everywhere, end without a space, and never shout', () => {
    for (const { language, words } of files) {
      for (const [key, entry] of Object.entries(words)) {
        for (const text of typeof entry === 'string' ? [entry] : Object.values(entry)) {
          expect(text.trim(), `${language} ${key}`).not.toBe('');
          expect(text, `${language} ${key}`).not.toMatch(/!|\.\.\.|  /);
        }
      }
    }
  });

  it('leave a space before the three dots in German, which stand for words and not for letters', () => {
    const glued = files
      .filter(({ language }) => language === 'de')
      .flatMap(({ words }) => Object.entries(words));
    expect(glued.filter(([, entry]) => /[^ ]…/.test(JSON.stringify(entry)))).toEqual([]);
  });

  it('of a language other than English come only when they are needed', () => {
    const eager = shipped.filter(({ text }) => /from '[./\w]*(\/de|strings\/de)'/.test(text));
    expect(eager.map(({ path }) => path)).toEqual([]);
  });
});

describe('keys', () => {
  it('exist wherever they are asked for, and are written out there', () => {
    const wrong: string[] = [];
    for (const { path, scripts, template } of trees) {
      walk([...scripts, template], (node) => {
        if (called(node) !== 't') return;
        const [key] = node.arguments as Node[];
        const prefix = key?.type === 'TemplateLiteral' ? outcomes(key)[0] : undefined;
        if (prefix !== undefined) {
          if (!Object.keys(DYNAMIC).includes(prefix)) wrong.push(`${path}: ${prefix}…`);
          return;
        }
        for (const text of outcomes(key)) if (!(text in english)) wrong.push(`${path}: ${text}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  it('are all used: a key appears, quoted, in some source', () => {
    const quoted = new Set<string>();
    for (const { path, scripts, template } of trees) {
      if (path.startsWith('strings/')) continue;
      walk([...scripts, template], (node) => {
        if (node.type === 'Literal' && typeof node.value === 'string') quoted.add(node.value);
      });
    }
    const made = (key: string) => Object.keys(DYNAMIC).some((prefix) => key.startsWith(prefix));
    expect(Object.keys(english).filter((key) => !quoted.has(key) && !made(key))).toEqual([]);
  });

  it('made when the app runs begin like some key', () => {
    const idle = Object.keys(DYNAMIC).filter(
      (prefix) => !Object.keys(english).some((key) => key.startsWith(prefix)),
    );
    expect(idle).toEqual([]);
  });
});

describe('templates', () => {
  it('hold no words of their own', () => {
    const found = components.flatMap((source) => {
      const { path, template } = parsed(source);
      return literals(template).map((words) => `${path}: ${words}`);
    });
    expect(found).toEqual([]);
  });

  it('would be caught holding some', () => {
    const template = (text: string) => parsed({ path: 'Some.svelte', text }).template;
    expect(literals(template('<p>Hello there</p>'))).toEqual(['Hello there']);
    expect(literals(template('<p aria-label="Close it" class="a b">{n} · Papr</p>'))).toEqual(['Close it']);
    expect(literals(template("<p title={on ? 'Is on' : t('local.off')}>{on ? 'Yes' : ''}</p>"))).toEqual([
      'Is on',
      'Yes',
    ]);
    expect(literals(template('<Notice text={`${n} more things`} tone="good" />'))).toEqual(['more things']);
  });

  it('and not scripts are where words are made, so that a change of language reaches them', () => {
    const early = trees.flatMap(({ path, scripts }) =>
      scripts.flatMap(tooEarly).map((name) => `${path}: ${name}()`),
    );
    expect(early).toEqual([]);
    const script = (text: string) => parsed({ path: 'a.ts', text }).scripts.flatMap(tooEarly);
    expect(script("const a = t('x'); const b = $derived(t('x')); const c = () => t('x');")).toEqual(['t']);
    expect(script('class A { a = $state(number(1)); }')).toEqual(['number']);
  });
});

describe('styles', () => {
  const sheets = import.meta.glob('../styles/*.css', { query: '?raw', import: 'default', eager: true });

  it('know no left and right, so that writing from the right would not break them', () => {
    const styles = [
      ...components.map(({ path, text }) => ({
        path,
        text: /<style[^>]*>([\s\S]*)<\/style>/.exec(text)?.[1],
      })),
      ...Object.entries(sheets as Record<string, string>).map(([path, text]) => ({ path, text })),
    ];
    expect(styles.flatMap(({ path, text }) => sided(text ?? '').map((rule) => `${path}: ${rule}`))).toEqual(
      [],
    );
    expect(styles.length).toBeGreaterThan(components.length);
  });

  it('would be caught knowing them', () => {
    const css =
      'a { left: 0; margin-left: 1px; padding: 1px 2px 1px 3px; text-align: right; margin: 1px 2px 1px 2px }';
    expect(sided(css)).toEqual([
      'left: 0',
      'margin-left: 1px',
      'padding: 1px 2px 1px 3px',
      'text-align: right',
    ]);
  });
});

it('looks at all of the sources', () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(components.length).toBeGreaterThan(50);
});

function areas(language: string): string[] {
  return files
    .filter((file) => file.language === language)
    .map(({ area }) => area)
    .sort();
}

/** What must be alike in every language. Of one thing the number need not be said. */
function mark(entry: Entry | undefined): string {
  const names = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort().join();
  if (entry === undefined || typeof entry === 'string') return names(entry ?? '');
  return Object.entries(entry)
    .map(([form, text]) => `${form} ${names(form === 'one' ? text.replaceAll('{n}', '') : text)}`)
    .sort()
    .join(' | ');
}

/** Attributes and properties that are shown or read aloud. */
const SPOKEN = new Set(
  'aria-label aria-description aria-roledescription aria-valuetext aria-placeholder title placeholder alt label text hint action'.split(
    ' ',
  ),
);

/** Words a person would see or hear, written in a template instead of a file of words. */
function literals(template: unknown): string[] {
  const found: string[] = [];
  const take = (text: string, words: RegExp) => {
    let own = text.trim();
    for (const same of Object.keys(SAME_EVERYWHERE)) own = own.replaceAll(same, '');
    if (words.test(own)) found.push(text.trim());
  };
  // In an expression one small word is more likely a name than something said.
  const inExpression = (node: unknown) =>
    outcomes(node).forEach((text) => take(text, /\p{Lu}\p{Ll}|\p{L}{2,} \p{L}/u));
  const shown = (part: unknown): void => {
    for (const node of [part].flat() as Node[]) {
      if (node?.type === 'Text') take(String(node.data), /\p{L}{2}/u);
      else if (node?.type === 'ExpressionTag') inExpression(node.expression);
    }
  };
  walk(template, (node) => {
    if (node.type === 'Attribute') {
      if (SPOKEN.has(node.name as string)) shown(node.value);
      return false;
    }
    shown(node);
  });
  return found;
}

/** Calls for words that run once, when a component or module begins, and are never made again. */
function tooEarly(script: unknown): string[] {
  const found: string[] = [];
  walk(script, (node) => {
    if (/Function/.test(node.type ?? '') || node.type === 'MethodDefinition') return false;
    const name = called(node);
    if (name === '$derived' || name === '$effect') return false;
    if (name === 't' || name === 'number' || name === 'locale') found.push(name);
    return;
  });
  return found;
}

/** Declarations that mean a side of the screen and not of the text. */
function sided(css: string): string[] {
  const rules = css.replace(/\/\*[\s\S]*?\*\//g, '').match(/[\w-]+\s*:[^;{}]+(?=[;}])/g) ?? [];
  return rules
    .map((rule) => rule.replace(/\s+/g, ' ').trim())
    .filter((rule) => {
      const [name = '', value = ''] = rule.split(/:(.*)/s).map((part) => part.trim());
      if (name.startsWith('--')) return false;
      if (/(^|-)(left|right)(-|$)/.test(name)) return true;
      if (/^(text-align|float|clear|caption-side)$/.test(name)) return /^(left|right)$/.test(value);
      if (!/^(margin|padding|inset|border-(width|color|style|radius))$/.test(name)) return false;
      const parts = value.match(/(?:[^\s(]|\((?:[^()]|\([^()]*\))*\))+/g) ?? [];
      if (name === 'border-radius') return parts.length > 1 && new Set(parts).size > 1;
      return parts.length === 4 && parts[1] !== parts[3];
    });
}
