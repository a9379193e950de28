const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The windows' own clock ticks once a minute: what was just written is later than it by up to that, and then some. */
const SLACK = 2 * MINUTE;

/** Making one of Intl's formats takes longer than a row of a list: each is made once for a language. */
function once<F>(make: (locale: string) => F): (locale: string) => F {
  const made = new Map<string, F>();
  return (locale) => {
    const there = made.get(locale) ?? make(locale);
    made.set(locale, there);
    return there;
  };
}

const dates = (options: Intl.DateTimeFormatOptions) =>
  once((locale) => new Intl.DateTimeFormat(locale, options));
const relatives = once((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }));
const dayOfYear = dates({ day: 'numeric', month: 'short' });
const day = dates({ day: 'numeric', month: 'short', year: 'numeric' });
const whole = dates({ dateStyle: 'medium', timeStyle: 'short' });
const clock = dates({ hour: 'numeric', minute: '2-digit' });
const dayAndClock = dates({ day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' });

/**
 * A short date for a list: "now", "5 min ago", "3 hr ago", "yesterday", then "18 Nov", with the
 * year when it is another one. A time in the future (a clock was wrong) reads as a plain date.
 */
export function shortDate(iso: string, now: number, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  const age = now - time;
  const relative = relatives(locale);
  if (age > -SLACK && age < MINUTE) return relative.format(0, 'second');
  if (age >= 0 && age < HOUR) return relative.format(-Math.floor(age / MINUTE), 'minute');
  const days = calendarDays(time, now);
  if (age >= 0 && days === 0) return relative.format(-Math.floor(age / HOUR), 'hour');
  if (days === 1) return relative.format(-1, 'day');
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayOfYear : day)(locale).format(time);
}

/** The whole date and time, for the detail. */
export function longDate(iso: string, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  return whole(locale).format(time);
}

/** When something is due, or was: "in 12 min" within the hour, else the time, with the day when it is another one. */
export function moment(iso: string, now: number, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  const ahead = time - now;
  const relative = relatives(locale);
  if (ahead > -SLACK && ahead < MINUTE) return relative.format(0, 'second');
  if (ahead > 0 && ahead < HOUR) return relative.format(Math.ceil(ahead / MINUTE), 'minute');
  if (ahead < 0 && ahead > -HOUR) return relative.format(Math.ceil(ahead / MINUTE), 'minute');
  return (calendarDays(time, now) === 0 ? clock : dayAndClock)(locale).format(time);
}

/** Midnights between two times, in local time, so that a change to summer time does not count. */
function calendarDays(from: number, to: number): number {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(to) - midnight(from)) / DAY);
}
