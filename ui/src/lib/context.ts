import { createContext } from 'svelte';
import type { Backend } from '../backend';
import type { Papr } from './papr.svelte';
import type { SettingsWatch } from './settings.svelte';

/** The backend, given once by the window's root and taken by whatever calls it. */
export const [getBackend, setBackend] = createContext<Backend>();

/** What the window knows of Papr, for every place where an error of Papr's can stand. */
export const [getPapr, setPapr] = createContext<Papr>();

/** What a person chose. */
export const [getSettings, setSettings] = createContext<SettingsWatch>();
