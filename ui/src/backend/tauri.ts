/** The `Backend` of the shipped app: generated bindings, with results turned into throws. */
import type { Backend, Unlisten } from '.';
import { commands, events } from './bindings';
import { toFailure } from './failure';

type Outcome<T> = { status: 'ok'; data: T } | { status: 'error'; error: unknown };

async function unwrap<T>(call: Promise<Outcome<T>>): Promise<T> {
  let outcome: Outcome<T>;
  try {
    outcome = await call;
  } catch (thrown) {
    throw toFailure(thrown);
  }
  if (outcome.status === 'error') throw toFailure(outcome.error);
  return outcome.data;
}

/** Listening starts asynchronously; a view that leaves before it has begun still stops it. */
function until(started: Promise<Unlisten>): Unlisten {
  return () => void started.then((stop) => stop());
}

export const tauriBackend: Backend = {
  search: ({ page, seq, ...asked }) => unwrap(commands.search({ ...asked, ...page }, seq)),
  status: () => unwrap(commands.status()),
  list: (filters, sort, after, limit) => unwrap(commands.list(filters, sort, after, limit)),
  facets: (filters) => unwrap(commands.facets(filters)),
  get: (id) => unwrap(commands.get(id)),
  add: ({ content, tier, topics }) => unwrap(commands.add(content, tier, topics)),
  edit: (id, rev, { content, tier, topics }) => unwrap(commands.edit(id, rev, content, tier, topics)),
  remove: (ids) => unwrap(commands.remove(ids)),
  restore: (ids) => unwrap(commands.restore(ids)),
  addSamples: () => unwrap(commands.addSamples()),
  removeSamples: () => unwrap(commands.removeSamples()),
  ids: (filters, sort) => unwrap(commands.ids(filters, sort)),
  some: (ids) => unwrap(commands.some(ids)),
  moveTo: (ids, tier) => unwrap(commands.moveTo(ids, tier)),
  related: (id, limit) => unwrap(commands.related(id, limit)),
  detail: (id) => unwrap(commands.detail(id)),
  showMain: async (id, edit = false) => void (await unwrap(commands.showMain(id, edit))),
  showView: async (view) => void (await unwrap(commands.showView(view))),
  hideQuick: async () => void (await unwrap(commands.hideQuick())),
  resizeQuick: async (height) => void (await unwrap(commands.resizeQuick(height))),
  openLink: async (url) => void (await unwrap(commands.openLink(url))),
  retry: () => unwrap(commands.retry()),

  models: () => unwrap(commands.models()),
  modelHosts: (id) => unwrap(commands.modelHosts(id)),
  installModel: async (id) => void (await unwrap(commands.installModel(id))),
  pauseDownload: async (id) => void (await unwrap(commands.pauseDownload(id))),
  cancelDownload: async (id) => void (await unwrap(commands.cancelDownload(id))),
  useModel: async (id) => void (await unwrap(commands.useModel(id))),
  pauseSwitch: async (paused) => void (await unwrap(commands.pauseSwitch(paused))),
  removeModel: (id) => unwrap(commands.removeModel(id)),
  importModel: (path, id) => unwrap(commands.importModel(path, id)),
  verifyModel: async (id) => void (await unwrap(commands.verifyModel(id))),
  serverSpace: () => unwrap(commands.serverSpace()),
  setServerVectors: (form) => unwrap(commands.setServerVectors(form)),
  matchServerSpace: () => unwrap(commands.matchServerSpace()),
  doctor: () => unwrap(commands.doctor()),

  account: () => unwrap(commands.account()),
  signIn: (key, thisRun) => unwrap(commands.signIn(key, thisRun)),
  signOut: (wipe) => unwrap(commands.signOut(wipe)),
  adoptable: () => unwrap(commands.adoptable()),
  toAdopt: (limit) => unwrap(commands.toAdopt(limit)),
  adopt: () => unwrap(commands.adopt()),
  syncNow: async (whole) => void (await unwrap(commands.syncNow(whole))),
  pauseSync: async (paused) => void (await unwrap(commands.pauseSync(paused))),
  setLocalOnly: async (on) => void (await unwrap(commands.setLocalOnly(on))),
  setBudget: async (operations) => void (await unwrap(commands.setBudget(operations))),
  outbox: () => unwrap(commands.outbox()),
  waiting: (id) => unwrap(commands.waiting(id)),
  conflicts: () => unwrap(commands.conflicts()),
  resolve: async (id, choice) => void (await unwrap(commands.resolve(id, choice))),
  ledger: (limit) => unwrap(commands.ledger(limit)),
  exportLedger: (path) => unwrap(commands.exportLedger(path)),
  askPapr: (question, limit) => unwrap(commands.askPapr(question, limit)),
  keepFromPapr: (remote) => unwrap(commands.keepFromPapr(remote)),
  tellPapr: async (searchId, helped, about) =>
    void (await unwrap(commands.tellPapr(searchId, helped, about))),
  tellNetwork: async (online) => void (await unwrap(commands.tellNetwork(online))),

  settings: () => unwrap(commands.settings()),
  changeSettings: (change) => unwrap(commands.changeSettings(change)),
  pin: (id, pinned) => unwrap(commands.pin(id, pinned)),
  sizes: () => unwrap(commands.sizes()),
  reveal: async (folder) => void (await unwrap(commands.reveal(folder))),
  moveData: async (folder) => void (await unwrap(commands.moveData(folder))),
  diagnostics: () => unwrap(commands.diagnostics()),
  choose: (what, suggested) => unwrap(commands.choose(what, suggested)),
  exportMemories: (path, format, ids) => unwrap(commands.exportMemories(path, format, ids)),
  previewImport: (path) => unwrap(commands.previewImport(path)),
  importMemories: (path) => unwrap(commands.importMemories(path)),
  backups: () => unwrap(commands.backups()),
  backUp: () => unwrap(commands.backUp()),
  restoreBackup: async (name) => void (await unwrap(commands.restoreBackup(name))),
  deleteEverything: async (typed) => void (await unwrap(commands.deleteEverything(typed))),

  onStatus: (listener) => until(events.statusChanged.listen((event) => listener(event.payload))),
  onSettings: (listener) => until(events.settingsChanged.listen((event) => listener(event.payload))),
  onOpenMemory: (listener) =>
    until(events.openMemory.listen(({ payload }) => listener(payload.id, payload.edit))),
  onOpenView: (listener) => until(events.openView.listen((event) => listener(event.payload))),
  onQuickShown: (listener) => until(events.quickShown.listen(() => listener())),
};
