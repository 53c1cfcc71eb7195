/** Style and truth that a linter cannot see: names in code, tests and docs hold together. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CODES, describe as describeCode } from '../src/errors.ts'
import { METRICS } from '../src/telemetry/metrics.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort()
}

/** A file that holds types only is compiled to nothing, so there is nothing to run. */
function hasRuntimeCode(path: string): boolean {
  return /^export (async )?(function|const|class|let)|^(await|const|process|void) /m.test(read(path))
}

/** First cells of the rows of every Markdown table in a document, without back-ticks. */
function firstCells(document: string): string[] {
  return [...read(document).matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? '')
}

describe('tidy', () => {
  it('every source file with runtime code has a test file of its name', () => {
    const missing = filesBelow('src', '.ts')
      .filter(hasRuntimeCode)
      .map((path) => path.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts'))
      .filter((path) => !existsSync(join(ROOT, path)))
    expect(missing).toEqual([])
  })

  it('every test file of a mirrored folder stands for a source file', () => {
    const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const orphans = rooms
      .flatMap(({ name }) => (existsSync(join(ROOT, 'test', name)) ? filesBelow(join('test', name), '.test.ts') : []))
      .filter((path) => !existsSync(join(ROOT, path.replace(/^test/, 'src').replace(/\.test\.ts$/, '.ts'))))
    expect(orphans).toEqual([])
  })

  it('the error catalogue and docs/errors.md name the same codes, statuses and titles', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `([a-z_]+)` \| (\d{3}) \| ([^|]+) \|/gm)].map((match) => match.slice(1, 4))
    expect(rows).toEqual(CODES.map((code) => [code, String(describeCode(code).status), describeCode(code).title]))
  })

  it('the metrics and docs/metrics.md name the same series', () => {
    const documented = firstCells('docs/metrics.md').filter((name) => name.startsWith('purser_'))
    expect(documented.sort()).toEqual(METRICS.map((metric) => metric.name).sort())
  })

  it('every path that README and docs name exists', () => {
    const documents = ['README.md', 'CHANGELOG.md', ...filesBelow('docs', '.md')]
    const missing = documents.flatMap((document) =>
      pathsIn(document)
        .filter((path) => !existsSync(join(ROOT, path)))
        .map((path) => `${document}: ${path}`),
    )
    expect(missing).toEqual([])
  })

  it('every test that docs/guarantees.md names is there', () => {
    const named = [...read('docs/guarantees.md').matchAll(/`(test\/[^`]+)`((?: “[^”]+”,?)+)/g)].flatMap(([, path = '', quoted = '']) =>
      [...quoted.matchAll(/“([^”]+)”/g)].map(([, title = '']) => ({ path, title })),
    )
    expect(named.length).toBeGreaterThan(100)
    expect(named.filter(({ path, title }) => !read(path).includes(title))).toEqual([])
  })

  it('the lock file lists every optional dependency, as npm ci demands, also those for other platforms', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>
    }
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`]),
    )
    expect(missing).toEqual([])
  })

  it('every source file is at most 400 lines long', () => {
    const long = [...filesBelow('src', '.ts'), ...filesBelow('test', '.ts')].filter((path) => read(path).split('\n').length > 400)
    expect(long.filter((path) => path.startsWith('src'))).toEqual([])
  })

  it('the console takes nothing of the other rooms but types of the API', () => {
    const foreign = [...filesBelow('src/console', '.ts'), ...filesBelow('src/console', '.tsx')].flatMap((path) =>
      [...read(path).matchAll(/^import (type )?[^']*?from '(\.[^']+)'/gm)]
        .map(([, type = '', from = '']) => ({ type, room: relative(ROOT, resolve(ROOT, dirname(path), from)) }))
        .filter(({ type, room }) => !room.startsWith('src/console/') && !(type && /^src\/(admin|audit)\//.test(room))),
    )
    expect(foreign).toEqual([])
  })

  it('money rooms parse no numbers and round none', () => {
    const rooms = ['src/money.ts', ...['ledger', 'payment', 'rails', 'wallet'].flatMap((room) => filesBelow(join('src', room), '.ts'))]
    const floats = rooms.filter((path) => /parseFloat\(|Math\.round\(|Math\.ceil\(/.test(read(path)))
    expect(floats).toEqual([])
  })
})

/** Relative links, and back-ticked paths that start in a folder of this repository. */
function pathsIn(document: string): string[] {
  const text = read(document)
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map((match) =>
    relative(ROOT, resolve(ROOT, dirname(document), match[1] ?? '')),
  )
  const quoted = [...text.matchAll(/(?<![\w/.-])((?:src|test|docs|config|deploy|\.ci)\/[\w./-]+)/g)].map((match) =>
    (match[1] ?? '').replace(/[.,]$/, ''),
  )
  return [...new Set([...links, ...quoted])]
}
