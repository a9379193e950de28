import { mount } from 'svelte';
import Quick from './Quick.svelte';
import { showKeptLooks } from './lib/looks';
import { chooseBackend } from './start';

await showKeptLooks();
const target = document.getElementById('app');
if (target) mount(Quick, { target, props: { backend: await chooseBackend() } });
