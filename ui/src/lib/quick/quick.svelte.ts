import {
  toFailure,
  type Backend,
  type Draft,
  type Failure,
  type Filters,
  type Memory,
  type OnEnter,
  type QuickSettings,
  type Settings,
  type Tier,
} from '../../backend';
import { locale, t } from '../../strings';
import { copyText } from '../clipboard';
import { showLooks } from '../looks';
import type { Step } from '../move';
import { tooEarly } from '../opening';
import { Search, type Row } from '../search.svelte';
import { SettingsWatch } from '../settings.svelte';
import { affectsResults, StatusWatch } from '../status.svelte';
import { Toasts } from '../toasts.svelte';
import type { Does } from './actions';
import { adding } from './adding';
import { History } from './history';
import { quote } from './quote';

/** Rows that are fetched at a time, and the most that the window is high. */
export const LIMIT = 8;
/** A question older than this is hardly still the question. */
const FORGET_MS = 10 * 60_000;
/** The most memories that can be asked for by id. */
const MOST_PINNED = 200;
const TIERS: (Tier | null)[] = [null, 'goals', 'memories'];

const other = (tier: Tier): Tier => (tier === 'goals' ? 'memories' : 'goals');

/** What the quick window knows and does. How it looks is the components'. */
export class Quick {
  readonly search: Search;
  readonly status: StatusWatch;
  readonly settings: SettingsWatch;
  readonly notes = new Toasts();
  readonly history = new History();

  /** What is in the field: a question, or with a plus before it something to keep. */
  text = $state('');
  /** The person has moved into the list, so Home and End mean the list. */
  browsing = $state(false);
  /** What stands over the rows, and for which of them: the list under it may change meanwhile. */
  panel = $state.raw<{ kind: 'actions' | 'why'; row: Row | null } | null>(null);
  /** Why the last change did not go through. */
  failure = $state.raw<{ why: Failure; again: () => void } | null>(null);
  now = $state(Date.now());

  readonly options = $derived.by<QuickSettings | null>(() => this.settings.current?.quick ?? null);
  readonly pinned = $derived.by<ReadonlySet<string>>(() => new Set(this.settings.current?.pinned));
  readonly onEnter = $derived.by<OnEnter>(() => this.options?.onEnter ?? 'open');
  readonly preview = $derived.by(() => this.options?.preview ?? false);
  readonly nothing = $derived.by(() => this.search.shown !== null && this.search.rows.length === 0);
  readonly opening = $derived.by(() => tooEarly(this.status.current, this.nothing));
  /** The bar alone is shown: nothing is typed yet, or not answered, and the person wants no list then. */
  readonly bare = $derived.by(() => {
    if (!this.options?.compact || this.#expanded || this.panel !== null || this.draft) return false;
    return this.text === '' || (!this.opening && (this.search.shown?.text ?? '') === '');
  });

  /** What Enter keeps: the text is a memory or a goal, not a question. */
  readonly draft = $derived.by<Draft | null>(() => {
    const draft = this.#typed;
    return draft && { ...draft, tier: this.#tier ?? draft.tier };
  });
  /** What may be kept because it was not found. */
  readonly offer = $derived.by<Draft | null>(() => {
    const { shown, rows, error } = this.search;
    if (this.draft || !shown || shown.text === '' || shown.text !== this.text.trim()) return null;
    if (rows.length > 0 || error || this.opening) return null;
    return { content: shown.text, tier: shown.filters.tier ?? 'memories', topics: [] };
  });
  /** The person has gone to the offer: it is never what Enter does by itself. */
  readonly atOffer = $derived.by(() => this.offer !== null && this.#offered);
  /** The row that keys mean. */
  readonly row = $derived.by<Row | null>(() => (this.bare || this.draft ? null : this.search.selected));

  readonly #typed = $derived.by(() => adding(this.text, t('quick.goalWord')));
  /** The tier that was chosen for the draft, whatever its prefix says. */
  #tier = $state<Tier | null>(null);
  #offered = $state(false);
  #expanded = $state(false);
  /** The text when there last was something to undo: while it is the same, the undo key is not the text's. */
  #undoText: string | null = null;
  #saving = false;
  #pins = '';
  #used = Date.now();
  #forgetting: ReturnType<typeof setTimeout> | undefined;
  readonly #door: Backend;

  constructor(door: Backend) {
    this.#door = door;
    this.search = new Search(door, LIMIT, (filters) => this.#first(filters));
    this.status = new StatusWatch(door, (before, now) => {
      if (affectsResults(before, now)) void this.search.run();
    });
    this.settings = new SettingsWatch(door, (settings) => this.#chosen(settings));
  }

  start(): () => void {
    const stops = [this.settings.start(), this.status.start()];
    void this.search.run();
    return () => {
      stops.forEach((stop) => stop());
      clearTimeout(this.#forgetting);
      this.notes.dismiss();
      this.search.stop();
    };
  }

  /** The window is on screen. */
  shown(): void {
    clearTimeout(this.#forgetting);
    this.now = Date.now();
    this.panel = null;
    this.#expanded = false;
    this.#dropNote();
    if (this.now - this.#used > FORGET_MS) this.#forget();
    this.#used = this.now;
    const [first] = this.search.rows;
    if (this.text === '' && first) this.search.select(first.memory.id);
    void this.search.run();
  }

  /** The focus went elsewhere, most often with the window. */
  left(): void {
    this.#used = Date.now();
    this.history.add(this.text);
    clearTimeout(this.#forgetting);
    // Forgotten in time, so that the next look at the window does not begin with what is about to go.
    this.#forgetting = setTimeout(() => {
      if (!document.hasFocus() && !this.options?.stayOpen) this.#forget();
    }, FORGET_MS);
  }

  /** A key was pressed: what was only said for a moment has been. */
  touched(): void {
    this.#used = Date.now();
    this.#dropNote();
  }

  setText(text: string, walking = false): void {
    const before = this.#typed?.tier;
    this.text = text;
    if (this.#typed?.tier !== before) this.#tier = null;
    this.browsing = false;
    this.#offered = false;
    this.failure = null;
    if (!walking) this.history.leave();
    if (!this.#typed) this.search.setText(text);
  }

  /** An earlier text, or a later one. Whether there was one. */
  walk(to: 'older' | 'newer'): boolean {
    const text = this.history[to](this.text);
    if (text === null) return false;
    this.setText(text, true);
    return true;
  }

  clear(): void {
    this.history.add(this.text);
    this.setText('');
  }

  hide(): void {
    this.left();
    this.panel = null;
    void this.#door.hideQuick();
  }

  open(id: string | null, edit = false): void {
    void (edit ? this.#door.showMain(id, true) : this.#door.showMain(id));
    this.hide();
  }

  /** Writes the plus that makes the text something to keep. */
  beginAdding(): void {
    if (!this.draft) this.setText(`+ ${this.text}`);
  }

  cycle(back: boolean): void {
    if (this.draft) return this.choose(other(this.draft.tier));
    const at = TIERS.indexOf(this.search.tier) + (back ? TIERS.length - 1 : 1);
    this.#expanded = true;
    this.search.setTier(TIERS[at % TIERS.length] ?? null);
  }

  /** What the draft is kept as. */
  choose(tier: Tier): void {
    this.#tier = tier;
  }

  move(step: Step): void {
    const down = step === 'down' || step === 'pageDown' || step === 'last';
    if (this.draft) return this.choose(down ? 'goals' : 'memories');
    if (this.offer) this.#offered = down;
    else if (this.bare) this.#expanded = true;
    else {
      this.browsing = this.search.rows.length > 0;
      this.search.move(step, LIMIT);
    }
  }

  /** Enter, or with Ctrl or ⌘ the other of the two things it may do. */
  async enter(swapped = false): Promise<void> {
    const { draft, offer, row } = this;
    if (draft) await this.add(draft);
    else if (offer && this.atOffer) await this.add(offer);
    else if (row) await this.#serve(row.memory, (this.onEnter === 'open') === swapped);
  }

  async #serve(memory: Memory, copying: boolean): Promise<void> {
    if (!copying) this.open(memory.id);
    // Copied with Enter, it is to be pasted elsewhere.
    else if ((await this.#copy(memory.content)) && !this.options?.stayOpen) this.hide();
  }

  /** The actions of the row that is selected, or what it says about why it is there. */
  show(kind: 'actions' | 'why'): void {
    const { row } = this;
    if (kind === 'why' ? row : !this.draft) this.panel = { kind, row };
  }

  async run(does: Does, row: Row | null): Promise<void> {
    if (does === 'add') return this.beginAdding();
    if (does === 'preview') return this.togglePreview();
    if (does === 'main') return this.open(null);
    if (!row) return;
    const { memory } = row;
    if (does === 'open' || does === 'edit') this.open(memory.id, does === 'edit');
    else if (does === 'copy') await this.#copy(memory.content);
    else if (does === 'quote') await this.#copy(quote(memory, locale()));
    else if (does === 'pin') await this.#pin(memory.id, !this.pinned.has(memory.id));
    else if (does === 'move') await this.#moveTo(memory.id, other(memory.tier), true);
    else if (does === 'delete') await this.#remove(memory.id);
    else this.panel = { kind: 'why', row };
  }

  /** Takes the last change back, if the undo key is not the text's. Whether it was. */
  undo(): boolean {
    if (!this.notes.current?.action || this.#undoText !== this.text) return false;
    this.notes.act();
    return true;
  }

  async togglePreview(): Promise<void> {
    const { options } = this;
    if (!options) return;
    if (await this.settings.change({ quick: { ...options, preview: !options.preview } })) return;
    const why = this.settings.failures.quick;
    if (why) this.failure = { why, again: () => void this.togglePreview() };
  }

  async add(draft: Draft): Promise<void> {
    if (this.#saving || draft.content === '') return;
    const { text } = this;
    this.#saving = true;
    await this.#attempt(
      () => this.add(draft),
      async () => {
        const { id } = await this.#door.add(draft);
        if (this.text === text) this.setText('');
        void this.search.run();
        this.#note(t(draft.tier === 'goals' ? 'quick.savedGoal' : 'quick.savedMemory'), () =>
          this.#unadd(id, text),
        );
      },
    );
    this.#saving = false;
  }

  /** What was written comes back with it, unless something else is being written. */
  #unadd(id: string, text: string): Promise<void> {
    const again = () => this.#unadd(id, text);
    return this.#attempt(again, async () => {
      await this.#door.remove([id]);
      if (this.text === '') this.setText(text);
      void this.search.run();
      this.#note(t('quick.unsaved'));
    });
  }

  #remove(id: string): Promise<void> {
    const again = () => this.#remove(id);
    return this.#attempt(again, async () => {
      await this.#door.remove([id]);
      await this.search.run();
      this.#note(t('toast.deleted'), () => this.#restore(id));
    });
  }

  #restore(id: string): Promise<void> {
    const again = () => this.#restore(id);
    return this.#attempt(again, async () => {
      await this.#door.restore([id]);
      await this.#find(id);
      this.#note(t('toast.restored'));
    });
  }

  #moveTo(id: string, tier: Tier, undoable: boolean): Promise<void> {
    const again = () => this.#moveTo(id, tier, undoable);
    return this.#attempt(again, async () => {
      const moved = await this.#door.moveTo([id], tier);
      await this.#find(id);
      if (moved === 0) return this.#note(t('quick.unmoved'));
      const undo = () => this.#moveTo(id, other(tier), false);
      this.#note(t(tier === 'goals' ? 'quick.nowGoal' : 'quick.nowMemory'), undoable ? undo : undefined);
    });
  }

  #pin(id: string, on: boolean): Promise<void> {
    const again = () => this.#pin(id, on);
    return this.#attempt(again, async () => {
      await this.#door.pin(id, on);
      this.#note(t(on ? 'quick.pinned' : 'quick.unpinned'), () => this.#pin(id, !on));
    });
  }

  async #copy(text: string): Promise<boolean> {
    const copied = await copyText(text);
    this.#note(t(copied ? 'action.copied' : 'action.copyFailed'));
    return copied;
  }

  async #find(id: string): Promise<void> {
    await this.search.run();
    if (this.search.rows.some(({ memory }) => memory.id === id)) this.search.select(id);
  }

  async #attempt(again: () => Promise<void>, change: () => Promise<void>): Promise<void> {
    this.failure = null;
    try {
      await change();
    } catch (thrown) {
      this.failure = { why: toFailure(thrown), again: () => void again() };
    }
  }

  #note(text: string, undo?: () => Promise<void>): void {
    this.#undoText = this.text;
    this.notes.show({
      text,
      ...(undo ? { action: { label: t('action.undo'), run: () => void undo() } } : {}),
    });
  }

  #dropNote(): void {
    if (!this.notes.current?.action) this.notes.dismiss();
  }

  #forget(): void {
    this.clear();
    this.search.setTier(null);
  }

  /** What stands first while nothing is typed. */
  async #first({ tier }: Filters): Promise<Memory[]> {
    const ids = this.settings.current?.pinned.slice(0, MOST_PINNED) ?? [];
    if (ids.length === 0) return [];
    const there = new Map((await this.#door.some(ids)).map((memory) => [memory.id, memory]));
    const pinned = ids.map((id) => there.get(id)).filter((memory) => memory !== undefined);
    return pinned.filter((memory) => tier === null || memory.tier === tier);
  }

  #chosen(settings: Settings): void {
    showLooks(settings);
    const pins = settings.pinned.join();
    const before = this.#pins;
    this.#pins = pins;
    if (pins !== before && this.search.question.text === '') void this.#lookAnew(before === '');
  }

  /** Other memories stand first. Where there were none, that is where the selection begins. */
  async #lookAnew(fresh: boolean): Promise<void> {
    await this.search.run();
    const [first] = this.search.rows;
    if (fresh && !this.browsing && this.panel === null && first) this.search.select(first.memory.id);
  }
}
