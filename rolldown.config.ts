/**
 * The program in few files: what every start loads is read at once, and only what is used of it. What only some
 * configurations load stays as it is installed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'

/** `secp256k1` is native. */
const OUTSIDE =
  /^(secp256k1|postgres|http-proxy-3|openid-client|@sd-jwt|@modelcontextprotocol|@solana|@coinbase\/cdp-sdk|@opentelemetry\/(resources|sdk|exporter))/

/**
 * An import of `node:http` as an ES module reads every name of it, and with the name `WebSocket` loads all of Node's own
 * fetch, which is not used here: 40 ms and 16 MB. Taken as Node's CommonJS modules take it, it is not touched.
 */
const httpWithoutFetch: Plugin = {
  name: 'http-without-fetch',
  resolveId: { filter: { id: /^(node:)?http$/ }, handler: () => '\0http.cjs' },
  load: { filter: { id: /^\0http\.cjs$/ }, handler: () => "module.exports = process.getBuiltinModule('node:http')" },
}

/** What is taken in goes on under its own licence, whose text has to be beside it. */
const licences: Plugin = {
  name: 'licences',
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
    const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []))
    const source = [...folders]
      .map(licenceOf)
      .sort()
      .join(`\n\n${'-'.repeat(80)}\n\n`)
    this.emitFile({ type: 'asset', fileName: 'LICENSES-OF-OTHERS.txt', source })
  },
}

/** A stack trace names our sources; maps of others' code would be most of what Node reads for it at the start. */
const ownMapsOnly: Plugin = {
  name: 'own-maps-only',
  transform: { filter: { id: /node_modules/ }, handler: (code) => ({ code, map: { mappings: '' } }) },
}

function licenceOf(folder: string): string {
  const { name, version, license, repository } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `It brings no text of its own: ${repository?.url ?? repository}`
  return `${name} ${version} (${license})\n\n${text}`
}

export default defineConfig({
  input: { main: 'src/main.ts', purser: 'src/purser.ts' },
  platform: 'node',
  external: (id) => OUTSIDE.test(id),
  plugins: [httpWithoutFetch, licences, ownMapsOnly],
  output: {
    // All side by side: `package-root.ts` counts on it.
    ...{ dir: 'dist', format: 'esm', chunkFileNames: '[name]-[hash].js' },
    // Stack traces need names and lines, not the text.
    ...{ sourcemap: true, sourcemapExcludeSources: true },
    // The text stays in memory, and takes twice as much where one character of it is not of ASCII. Names stay as they are.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true, asciiOnly: true } },
    comments: false,
  },
})
