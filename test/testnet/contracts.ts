/** Compiles the contracts of the test chain; the result is kept in node_modules/.cache under the hash of all sources. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const require = createRequire(import.meta.url)
const FOLDER = fileURLToPath(new URL('./contracts/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/purser/', import.meta.url))
const SOURCES = ['TestUSDC.sol', 'Multicall.sol', 'Permit2Proxies.sol', 'BatchSettlement.sol', 'SpendPermissions.sol'] as const

const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]+$/)])
const compiled = z.object({
  ...{ usdc: hex, multicall: hex, exactProxy: hex, uptoProxy: hex, escrow: hex, depositCollector: hex },
  spendPermissions: hex,
})

/** Creation code, which the chain runs once to get the runtime code. */
export type Contracts = z.infer<typeof compiled>

/** Takes 1.5 s the first time and a millisecond afterwards. @throws Error with the compiler's words. */
export async function compileContracts(): Promise<Contracts> {
  const texts = await Promise.all(SOURCES.map((name) => readFile(join(FOLDER, name), 'utf8')))
  const file = join(CACHE, `contracts-${cacheKey(texts)}.json`)
  const cached = await readFile(file, 'utf8').catch(() => undefined)
  if (cached !== undefined) return compiled.parse(JSON.parse(cached))
  const fresh = await runCompiler(texts)
  await mkdir(CACHE, { recursive: true })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify(fresh))
  await rename(draft, file)
  return fresh
}

const manifest = z.object({ version: z.string() })

function cacheKey(texts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text).update('\0')
  for (const name of ['solc', '@openzeppelin/contracts']) hash.update(manifest.parse(require(`${name}/package.json`)).version)
  return hash.digest('hex').slice(0, 16)
}

const solc = z.object({ compile: z.function({ input: [z.string(), z.unknown()], output: z.string() }) })
const output = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).optional(),
  contracts: z
    .record(z.string(), z.record(z.string(), z.object({ evm: z.object({ bytecode: z.object({ object: z.string() }) }) })))
    .optional(),
})

async function runCompiler(texts: readonly string[]): Promise<Contracts> {
  const compiler = solc.parse(require('solc'))
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(SOURCES.map((name, i) => [name, { content: texts[i] }])),
    settings: { optimizer: { enabled: true, runs: 200 }, outputSelection: { '*': { '*': ['evm.bytecode.object'] } } },
  }
  const files = await readImports(texts)
  const found = output.parse(JSON.parse(compiler.compile(JSON.stringify(input), { import: (path: string) => lookUp(files, path) })))
  const errors = (found.errors ?? []).filter((error) => error.severity === 'error')
  if (errors.length > 0) throw new Error(`the test contracts do not compile: ${errors.map((error) => error.formattedMessage).join('\n')}`)
  const code = (file: string, name: string) => `0x${found.contracts?.[file]?.[name]?.evm.bytecode.object ?? ''}`
  return compiled.parse({
    ...{ usdc: code('TestUSDC.sol', 'TestUSDC'), multicall: code('Multicall.sol', 'Multicall') },
    ...{ exactProxy: code('Permit2Proxies.sol', 'ExactProxy'), uptoProxy: code('Permit2Proxies.sol', 'UptoProxy') },
    ...{ escrow: code('BatchSettlement.sol', 'BatchSettlement'), depositCollector: code('BatchSettlement.sol', 'ERC3009DepositCollector') },
    spendPermissions: code('SpendPermissions.sol', 'SpendPermissions'),
  })
}

function lookUp(files: ReadonlyMap<string, string>, path: string): { contents: string } | { error: string } {
  const contents = files.get(path)
  return contents === undefined ? { error: `${path} is not there` } : { contents }
}

/** All sources that these texts import, and theirs, under the names that the compiler asks for. */
async function readImports(texts: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const queue = texts.flatMap((text) => importsOf(text, ''))
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue
    const text = await readFile(require.resolve(path), 'utf8')
    files.set(path, text)
    queue.push(...importsOf(text, path))
  }
  return files
}

function importsOf(text: string, from: string): string[] {
  return [...text.matchAll(/^import\s[^;]*?"([^"]+)";/gm)].map(([, path = '']) => (path.startsWith('.') ? join(dirname(from), path) : path))
}
