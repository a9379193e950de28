import { mount } from 'svelte';
import App from './App.svelte';
import { chooseBackend } from './start';

const target = document.getElementById('app');
if (target) mount(App, { target, props: { backend: await chooseBackend() } });
