import { mount } from 'svelte';
import Quick from './Quick.svelte';
import { chooseBackend } from './start';

const target = document.getElementById('app');
if (target) mount(Quick, { target, props: { backend: await chooseBackend() } });
