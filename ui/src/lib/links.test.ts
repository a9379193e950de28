import { describe, expect, it } from 'vitest';
import { leadsTo, linked, safeUrl } from './links';

const urls = (text: string) => linked(text).flatMap(({ url }) => url ?? []);

describe('linked', () => {
  it('finds web and mail addresses and leaves the rest as it is', () => {
    const text = 'a http://x.org/y b\nHTTPS://Z.ORG mailto:a@b.c';
    expect(urls(text)).toEqual(['http://x.org/y', 'https://z.org/', 'mailto:a@b.c']);
    expect(
      linked(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text);
  });

  it('stops before the sentence’s own signs', () => {
    expect(urls('(see https://x.org/a_(b)), https://y.org/. “https://z.org”')).toEqual([
      'https://x.org/a_(b)',
      'https://y.org/',
      'https://z.org/',
    ]);
  });

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'xhttps://x.org',
    'https://',
    'mailto:nobody',
    'data:text/html,x',
  ])('makes no link of %s', (text) => expect(urls(text)).toEqual([]));

  it('makes up the text again, whatever it is', () => {
    for (const text of ['', 'https://x.org', 'https://[bad', 'a https:// b', '<a href="https://x.org">']) {
      expect(
        linked(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
    }
  });

  it('is quick with long texts', () => {
    const begun = performance.now();
    linked('https://x.org/' + ')'.repeat(14_000));
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});

describe('where a link leads', () => {
  it('is the host itself, whatever stands before it, with look-alike letters written out', () => {
    expect(leadsTo('https://papr.ai@evil.org:81/x')).toEqual({ mail: false, place: 'evil.org:81' });
    expect(leadsTo(safeUrl('https://раpr.ai/')!).place).toMatch(/^xn--/);
    expect(leadsTo('mailto:anna%40x@y.org?subject=a')).toEqual({ mail: true, place: 'anna@x@y.org' });
  });
});
