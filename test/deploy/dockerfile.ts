/**
 * The steps of a Dockerfile as processes of this machine, for where no container engine runs: the context as
 * .dockerignore leaves it, each stage a folder, each RUN a shell in it. Strict: an instruction that it does not know fails.
 * Two things differ from an engine's build: `npm ci` takes the packages of this checkout, which the same lock file named
 * (for run time those that it does not mark as `dev`), and the base image is this machine's Node with its libraries.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const FILE = join(ROOT, 'deploy/Dockerfile')

export interface Image {
  /** The file system of the last stage. */
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
}

interface Step {
  readonly instruction: string
  readonly text: string
}

/** Comments and line ends out, variables of ARG in. */
export function readSteps(text = readFileSync(FILE, 'utf8')): Step[] {
  const args = new Map<string, string>()
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, instruction = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
      const filled = rest.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args.get(name) ?? '')
      if (instruction === 'ARG') args.set(filled.replace(/=.*/, ''), filled.replace(/^[^=]*=/, ''))
      return { instruction, text: filled }
    })
}

/** Whether .dockerignore leaves this path out; the last pattern that matches it or a folder above it counts. */
function isIgnored(path: string, patterns: readonly string[]): boolean {
  const paths = path.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/'))
  const last = patterns.findLast((pattern) => paths.some((each) => matches(each, pattern.replace(/^!/, ''))))
  return last !== undefined && !last.startsWith('!')
}

/** `*` is any run of characters within one folder; nothing else is known. */
function matches(path: string, pattern: string): boolean {
  if (/[?[\]\\]|\*\*/.test(pattern)) throw new Error(`a pattern that this does not know: ${pattern}`)
  return new RegExp(`^${pattern.replaceAll(/[.+]/g, '\\$&').replaceAll('*', '[^/]*')}$`).test(path)
}

/** The files that an engine would be sent. */
export function contextFiles(): string[] {
  const patterns = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const kept = (path: string) => patterns.some((pattern) => pattern.startsWith(`!${path}`)) || !isIgnored(path, patterns)
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (!kept(path)) return []
      if (entry.isDirectory()) return below(path)
      return isIgnored(path, patterns) ? [] : [path]
    })
  return below('')
}

/** Builds the last stage, and those that it takes from, below `folder`. */
export function buildImage(folder: string): Image {
  const context = join(folder, 'context')
  for (const path of contextFiles()) copyInto(join(ROOT, path), join(context, path))
  const stages = stagesOf(readSteps())
  const last = stages.at(-1)
  if (!last) throw new Error('the Dockerfile has no stage')
  const image = { root: join(folder, 'image'), env: {} as Record<string, string>, user: '', entrypoint: [], command: [], healthcheck: [] }
  const built = new Map<string, string>()
  for (const { name, steps } of stages.filter((stage) => stage === last || usedBy(last.steps).has(stage.name))) {
    const root = name === '' ? image.root : join(folder, name)
    built.set(name, root)
    baseImage(root, last.steps === steps)
    let workdir = '/'
    for (const { instruction, text } of steps) {
      if (instruction === 'WORKDIR') workdir = text
      else if (instruction === 'COPY') copy(text, { context, root, workdir, built })
      else if (instruction === 'RUN') runStep(text, join(root, workdir))
      else setting(image, instruction, text)
      mkdirSync(join(root, workdir), { recursive: true })
    }
  }
  return image
}

function stagesOf(steps: readonly Step[]): { name: string; steps: Step[] }[] {
  const stages: { name: string; steps: Step[] }[] = []
  for (const step of steps) {
    if (step.instruction === 'FROM') stages.push({ name: / AS (\w+)$/.exec(step.text)?.[1] ?? '', steps: [] })
    else stages.at(-1)?.steps.push(step)
  }
  return stages
}

function usedBy(steps: readonly Step[]): Set<string> {
  return new Set(steps.flatMap(({ text }) => [...text.matchAll(/--from=(\w+)/g)].map(([, name = '']) => name)))
}

interface Place {
  readonly context: string
  readonly root: string
  readonly workdir: string
  readonly built: ReadonlyMap<string, string>
}

function copy(text: string, { context, root, workdir, built }: Place): void {
  const words = text.split(/\s+/)
  const flags = Object.fromEntries(words.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')))
  const paths = words.filter((word) => !word.startsWith('--'))
  const target = resolve(workdir, paths.at(-1) ?? '')
  const source = flags.from === undefined ? context : built.get(flags.from)
  if (source === undefined) throw new Error(`COPY from an unknown stage: ${text}`)
  for (const path of paths.slice(0, -1)) {
    const from = join(source, path)
    const into = paths.at(-1)?.endsWith('/') ? join(root, target, basename(path)) : join(root, target)
    copyInto(from, into)
    if (flags.chown !== undefined && process.getuid?.() === 0) execFileSync('chown', ['-R', flags.chown, into])
  }
}

function copyInto(from: string, into: string): void {
  if (!existsSync(from)) throw new Error(`COPY of what the context does not hold: ${from}`)
  mkdirSync(dirname(into), { recursive: true })
  if (lstatSync(from).isDirectory()) cpSync(from, into, { recursive: true, verbatimSymlinks: true })
  else {
    copyFileSync(from, into)
    chmodSync(into, lstatSync(from).mode)
  }
}

function runStep(command: string, cwd: string): void {
  if (command === 'npm ci --ignore-scripts') symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'))
  else if (command === 'npm ci --omit=dev --ignore-scripts') copyModules(cwd)
  else runShell(command, cwd)
}

function runShell(command: string, cwd: string): void {
  const { NODE_ENV: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`RUN ${command}: ${stdout}${stderr}`)
}

/** Those packages of this checkout that the lock file does not mark as needed for development alone. */
function copyModules(cwd: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: true }> }
  const wanted = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev && existsSync(join(ROOT, path)))
  for (const [path] of wanted) {
    const nested = join(ROOT, path, 'node_modules')
    cpSync(join(ROOT, path), join(cwd, path), { recursive: true, verbatimSymlinks: true, filter: (from) => !from.startsWith(nested) })
  }
}

function setting(image: { -readonly [Key in keyof Image]: Image[Key] }, instruction: string, text: string): void {
  if (instruction === 'ENV') image.env = { ...image.env, ...Object.fromEntries(text.split(' ').map((pair) => pair.split('='))) }
  else if (instruction === 'USER') image.user = text
  else if (instruction === 'ENTRYPOINT') image.entrypoint = JSON.parse(text)
  else if (instruction === 'CMD') image.command = JSON.parse(text)
  else if (instruction === 'HEALTHCHECK') image.healthcheck = JSON.parse(text.replace(/^.*? CMD /, ''))
  else if (instruction !== 'VOLUME' && instruction !== 'EXPOSE') throw new Error(`an instruction that this does not know: ${instruction}`)
}

/** What the last stage begins with: Node where the distroless image has it, its libraries, a few empty folders. */
function baseImage(root: string, last: boolean): void {
  mkdirSync(root, { recursive: true })
  if (!last) return
  for (const folder of ['tmp', 'proc', 'dev', 'etc/purser', 'run/purser/keys', 'usr/local/bin'])
    mkdirSync(join(root, folder), { recursive: true })
  copyInto(realpathSync(process.execPath), join(root, 'nodejs/bin/node'))
  const libraries = execFileSync('ldd', [process.execPath]).toString()
  for (const [, path = ''] of libraries.matchAll(/(\/\S+) \(0x/g)) copyInto(realpathSync(path), join(root, path))
}
