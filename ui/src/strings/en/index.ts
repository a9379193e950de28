/** Every word in English, a file an area. What keys there are is said here. */
import account from './account.json';
import cloud from './cloud.json';
import common from './common.json';
import doctor from './doctor.json';
import failure from './failure.json';
import library from './library.json';
import first from './first.json';
import memories from './memories.json';
import models from './models.json';
import palette from './palette.json';
import privacy from './privacy.json';
import quick from './quick.json';
import search from './search.json';
import settings from './settings.json';
import sync from './sync.json';

export const english = {
  ...account,
  ...cloud,
  ...common,
  ...doctor,
  ...failure,
  ...library,
  ...first,
  ...memories,
  ...models,
  ...palette,
  ...privacy,
  ...quick,
  ...search,
  ...settings,
  ...sync,
};

export type Key = keyof typeof english;
/** A text, or its plural forms; `n` chooses. */
export type Entry = string | { one: string; other: string };
export type Entries = Readonly<Record<Key, Entry>>;
