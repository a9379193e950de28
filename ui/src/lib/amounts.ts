import { locale, number, t } from '../strings';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** "420 kB", "91 MB", "1.26 GB": as much as fits three digits, from thousands of bytes. */
export function size(kilobytes: number): string {
  const kb = Math.max(0, kilobytes);
  if (kb < 999.5) return t('amount.kb', { n: Math.round(kb) });
  const mb = kb / 1000;
  if (mb < 999.5) return t('amount.mb', { n: mb < 9.95 ? round(mb, 1) : Math.round(mb) });
  const gb = mb / 1000;
  return t('amount.gb', { n: round(gb, gb < 9.95 ? 2 : 1) });
}

/** "412 B", "3.4 kB", "91 MB"; what cannot be told is nothing. */
export function bytes(n: number | null): string {
  if (n === null) return t('amount.unknown');
  if (n < 1000) return t('amount.b', { n: Math.max(0, Math.round(n)) });
  return n < 9950 ? t('amount.kb', { n: round(n / 1000, 1) }) : size(n / 1000);
}

/** The same, said to be an estimate where it is one. */
export function sizeOf(model: { kilobytes: number; approximate: boolean }): string {
  const text = size(model.kilobytes);
  return model.approximate ? t('amount.about', { amount: text }) : text;
}

export function speed(kilobytesPerSecond: number): string {
  return t('amount.perSecond', { amount: size(kilobytesPerSecond) });
}

/** Whole percent, rounded down: 100 is said when all is done and not before. */
export function percent(done: number, all: number): number {
  if (all <= 0) return 0;
  return Math.min(100, Math.max(0, Math.floor((done / all) * 100)));
}

/** "40 s left", "3 min left", "2 hr left"; "calculating…" until it can be told. Never negative. */
export function timeLeft(seconds: number | null): string {
  if (seconds === null) return t('time.calculating');
  const s = Math.max(1, Math.ceil(seconds));
  // Rounded before the unit is chosen, so that 59.6 minutes are an hour and not 60 minutes.
  if (s < MINUTE) return t('time.left', { time: t('time.seconds', { n: s }) });
  const minutes = Math.ceil(s / MINUTE);
  if (minutes < 60) return t('time.left', { time: t('time.minutes', { n: minutes }) });
  return t('time.left', { time: t('time.hours', { n: round(s / HOUR, 1) }) });
}

/** "1,057 ms", "35 ms", "5.8 ms": more digits would claim what nobody measured. */
export function milliseconds(n: number): string {
  return t('models.ms', { n: n < 10 ? round(n, 1) : Math.round(n) });
}

/** The same for what may take long: "88 ms", "30 s". */
export function duration(ms: number): string {
  return ms < 9950 ? milliseconds(ms) : t('time.seconds', { n: Math.round(ms / 1000) });
}

/** The languages a model was made for, by their names. */
export function languages(tags: string[]): string {
  const names = new Intl.DisplayNames(locale(), { type: 'language', fallback: 'code' });
  const name = (tag: string) => {
    if (tag === 'mul') return t('models.manyLanguages');
    try {
      return names.of(tag) ?? tag;
    } catch {
      // Not a tag; what was written says more than nothing.
      return tag;
    }
  };
  return tags.map(name).join(t('list.comma'));
}

export function dims(n: number): string {
  return t('models.dimsOf', { n: number(n) });
}

function round(n: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(n * scale) / scale;
}
