import { createContext } from 'svelte';
import type { Backend } from '../backend';

/** The backend, given once by the window's root and taken by whatever calls it. */
export const [getBackend, setBackend] = createContext<Backend>();
