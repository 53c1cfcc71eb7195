/** The built console: a page and its assets, read once at the start, so that no request ever names a file of the disk. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { MAX_CONSOLE_BYTES, MAX_CONSOLE_FILES } from '../people-limits.ts'

export interface ConsoleFile {
  readonly type: string
  readonly content: Uint8Array<ArrayBuffer>
}

export interface ConsoleFiles {
  readonly page: ConsoleFile
  /** By path, e.g. `/assets/main-4f2a.js`. Their names change with their content. */
  readonly assets: ReadonlyMap<string, ConsoleFile>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

/** Undefined where it was never built. @throws Error where it is larger than any build of ours. */
export async function readConsole(folder: string): Promise<ConsoleFiles | undefined> {
  const page = await readFile(join(folder, 'index.html')).catch(ignoreMissing)
  if (!page) return undefined
  const found = await readdir(join(folder, 'assets'), { recursive: true, withFileTypes: true }).catch(ignoreMissing)
  const paths = (found ?? [])
    .filter((entry) => entry.isFile() && extname(entry.name) in TYPES)
    .map((entry) => join(entry.parentPath, entry.name))
  if (paths.length > MAX_CONSOLE_FILES) throw new Error(`${folder} holds more than ${MAX_CONSOLE_FILES} files: that is no console.`)
  const assets = new Map<string, ConsoleFile>()
  let bytes = page.length
  for (const path of paths) {
    const file = fileOf(path, await readFile(path))
    bytes += file.content.length
    if (bytes > MAX_CONSOLE_BYTES) throw new Error(`${folder} holds more than ${MAX_CONSOLE_BYTES} bytes: that is no console.`)
    assets.set(`/${relative(folder, path).split(sep).join('/')}`, file)
  }
  return { page: fileOf('index.html', page), assets }
}

function fileOf(path: string, content: Uint8Array): ConsoleFile {
  return { type: TYPES[extname(path)] ?? 'application/octet-stream', content: Uint8Array.from(content) }
}

function ignoreMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT') throw cause
  return undefined
}
