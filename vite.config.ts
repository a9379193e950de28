import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Refuses a bundle that could not run under the app's content security policy (no inline script or
 * style) or that carries code meant for tests.
 */
function strictBundle(): Plugin {
  const inline = /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i;
  return {
    name: 'strict-bundle',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const [name, part] of Object.entries(bundle)) {
          if (part.type === 'chunk') {
            const stray = part.moduleIds.find((id) => id.includes('/ui/src/testing/'));
            if (stray) this.error(`${stray} is for tests and must not be in ${name}`);
          } else if (name.endsWith('.html') && inline.test(String(part.source))) {
            this.error(`${name} holds an inline script or style`);
          }
        }
      },
    },
  };
}

export default defineConfig({
  root: at('ui'),
  base: './',
  cacheDir: at('node_modules/.vite'),
  plugins: [svelte({ configFile: at('svelte.config.js') }), svelteTesting(), strictBundle()],
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The oldest web views the app meets: WebKit of macOS 14, WebKitGTK 2.40, WebView2 of 2023.
    target: ['safari17', 'chrome111'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { main: at('ui/index.html'), quick: at('ui/quick.html') } },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing/setup.ts'],
    restoreMocks: true,
    // A machine that builds at the same time takes its time.
    testTimeout: 20_000,
    // One test reads the colours.
    css: true,
  },
});
