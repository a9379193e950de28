const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The windows' own clock ticks once a minute: what was just written is later than it by up to that, and then some. */
const SLACK = 2 * MINUTE;

/**
 * A short date for a list: "now", "5 min ago", "3 hr ago", "yesterday", then "18 Nov", with the
 * year when it is another one. A time in the future (a clock was wrong) reads as a plain date.
 */
export function shortDate(iso: string, now: number, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  const age = now - time;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  if (age > -SLACK && age < MINUTE) return relative.format(0, 'second');
  if (age >= 0 && age < HOUR) return relative.format(-Math.floor(age / MINUTE), 'minute');
  const days = calendarDays(time, now);
  if (age >= 0 && days === 0) return relative.format(-Math.floor(age / HOUR), 'hour');
  if (days === 1) return relative.format(-1, 'day');
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(time);
}

/** The whole date and time, for the detail. */
export function longDate(iso: string, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

/** When something is due, or was: "in 12 min" within the hour, else the time, with the day when it is another one. */
export function moment(iso: string, now: number, locale: string): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return '';
  const ahead = time - now;
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
  if (ahead > -SLACK && ahead < MINUTE) return relative.format(0, 'second');
  if (ahead > 0 && ahead < HOUR) return relative.format(Math.ceil(ahead / MINUTE), 'minute');
  if (ahead < 0 && ahead > -HOUR) return relative.format(Math.ceil(ahead / MINUTE), 'minute');
  return new Intl.DateTimeFormat(locale, {
    ...(calendarDays(time, now) === 0 ? {} : { day: 'numeric', month: 'short' }),
    hour: 'numeric',
    minute: '2-digit',
  }).format(time);
}

/** Midnights between two times, in local time, so that a change to summer time does not count. */
function calendarDays(from: number, to: number): number {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(to) - midnight(from)) / DAY);
}
