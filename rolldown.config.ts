/**
 * The program in few files: what is loaded at the start is read at once, and of viem and x402 only what is used. All other
 * packages stay as they are installed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'

/** Large, and little of them is used. */
const LARGE = /^(viem|@x402|abitype|ox|@noble|@scure|isows)(\/|$)/
/** Must be loaded behind our `proxy/reflect.ts`; what stays outside is loaded before all that is in here. */
const LATE = /^(@peculiar|tsyringe|asn1js|pvtsutils|pvutils|tslib)(\/|$)/

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
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined && license !== 'Apache-2.0') throw new Error(`${name} brings no licence text`)
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(folder, file), 'utf8').trim() : 'The text stands in LICENSE of this package.'}`
}

export default defineConfig({
  input: { main: 'src/main.ts', purser: 'src/purser.ts' },
  platform: 'node',
  external: (id) => /^[^./]/.test(id) && !LARGE.test(id) && !LATE.test(id),
  plugins: [licences, ownMapsOnly],
  // All side by side: `package-root.ts` counts on it. Stack traces need names and lines, not the text.
  output: { dir: 'dist', format: 'esm', sourcemap: true, sourcemapExcludeSources: true, chunkFileNames: '[name]-[hash].js' },
})
