// Makes what browsers get, with the versions that package-lock.json names:
//
//   npm ci && node build.mjs [FOLDER]
//
// The result is committed in dist/, so that coolantd builds, also from a tarball, without npm and without network;
// tests/system/test_dashboard.py makes it anew and compares. vendor.js is mqtt.js and uPlot, app.js what is in src/.
// Both are classic scripts: a broker that serves the page (mosquitto's http_dir) tells no types, and a browser takes no
// module without one.
import * as esbuild from 'esbuild';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url)),
  folder = process.argv[2] ?? `${here}/dist`;
const version = (name) => JSON.parse(readFileSync(`${here}/node_modules/${name}/package.json`)).version;

// What a page on a websocket never reaches: other transports, their files and sockets, timers in a worker (a policy
// without blob: forbids them), logging, text decoding, and the topic
// aliases of MQTT 5 (the page speaks 3.1.1). readable-stream 3 does what mqtt.js asks for in half the size
// of 4.
const unused =
  /^(socks|dns|url|util|assert|tls|net|fs|worker-timers|debug|ws|http|https|zlib|crypto|lru-cache|string_decoder\/?|\.\/(tcp|tls|ali|wx|socks)|.*\/streams\/(pipeline|async_iterator))$/;
const contents = {
  debug: 'module.exports = () => Object.assign(() => {}, { extend() { return this; }, enabled: false });',
  util: 'module.exports = { inspect: { custom: "inspect" } };',
};
const slim = {
  name: 'slim',
  setup(build) {
    build.onResolve({ filter: unused }, (a) => ({ path: a.path, namespace: 'unused' }));
    build.onResolve({ filter: /^(stream|readable-stream)$/ }, (a) =>
      a.pluginData === 'found'
        ? undefined
        : build.resolve('readable-stream', { kind: a.kind, resolveDir: here, pluginData: 'found' }),
    );
    build.onLoad({ filter: /.*/, namespace: 'unused' }, (a) => ({
      contents: contents[a.path] ?? 'module.exports = {};',
    }));
    build.onLoad({ filter: /mqtt\/package\.json$/ }, () => ({
      contents: JSON.stringify({ version: version('mqtt') }),
      loader: 'json',
    }));
  },
};

// nextTick as in Node: the usual stand-in waits for a timer, 4 ms for each message
const vendor = `
  import { Buffer } from 'buffer/index.js';
  const process = { env: {}, browser: true, version: '', nextTick: (f, ...args) => queueMicrotask(() => f(...args)) };
  Object.assign(globalThis, { process, Buffer, global: globalThis });
  globalThis.mqtt = { connect: require('./node_modules/mqtt/build/index.js').connect };
  globalThis.uPlot = require('./node_modules/uplot/dist/uPlot.esm.js').default;`;
const options = { bundle: true, minify: true, charset: 'utf8', target: 'es2022', legalComments: 'none' };
const script = { ...options, format: 'iife', platform: 'browser' };

mkdirSync(folder, { recursive: true });
await Promise.all([
  esbuild.build({
    ...script,
    stdin: { contents: vendor, resolveDir: here },
    outfile: `${folder}/vendor.js`,
    plugins: [slim],
    banner: { js: `/* mqtt.js ${version('mqtt')}, uPlot ${version('uplot')}: MIT licence */` },
  }),
  esbuild.build({ ...script, entryPoints: [`${here}/src/main.js`], outfile: `${folder}/app.js` }),
  esbuild.build({ ...options, entryPoints: [`${here}/src/style.css`], outfile: `${folder}/style.css` }),
]);
copyFileSync(`${here}/src/index.html`, `${folder}/index.html`);
