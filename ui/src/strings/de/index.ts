/** Every word in German: a file an area, the same as in English. Fetched only where German is spoken. */
import type { Entries } from '../en';
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

export const german: Entries = {
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
