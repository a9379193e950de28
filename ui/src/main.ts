import { mount } from 'svelte';
import App from './App.svelte';
import { showKeptLooks } from './lib/looks';
import { chooseBackend } from './start';

await showKeptLooks();
const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend: await chooseBackend() } });
