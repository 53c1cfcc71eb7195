/**
 * `purser signer`: the wallet's key in a process of its own. It loads no more than it signs with, and refuses to run where
 * others could look into it. It keeps caps of its own, counted in its own journal.
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, realpath, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { url as inspectorUrl } from 'node:inspector'
import { connect, createServer, type Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { environment } from './config/environment.ts'
import { parseSecret, resolveSecret, resolveWalletKey, type SecretRef } from './config/secrets.ts'
import { parseKey } from './wallet/local-key.ts'
import { SignerBook } from './wallet/signer-book.ts'
import { createSignerDesk } from './wallet/signer-desk.ts'
import { createSignerDoor } from './wallet/signer-door.ts'
import { openSignerJournal } from './wallet/signer-journal.ts'
import { readSignerOptions, SIGNER_USAGE, type SignerOptions, UsageFault } from './wallet/signer-options.ts'

/** Ends the process; only `main.ts` holds the real one. */
export type Exit = (code: number) => never

const HARDENED = '--disable-sigusr1'

/** Serves until a signal; 0 afterwards, 1 where it cannot start, 2 for wrong usage. */
export async function runSigner(exit: Exit): Promise<void> {
  try {
    const argv = process.argv.slice(3)
    if (argv.includes('--help')) {
      process.stdout.write(SIGNER_USAGE)
      return
    }
    const options = readSignerOptions(argv)
    refuseOnlookers()
    if (!process.execArgv.includes(HARDENED)) return startHardened(options)
    process.title = 'purser signer'
    process.umask(0o077)
    await serve(options)
    exit(0)
  } catch (fault) {
    process.stderr.write(`${fault instanceof Error ? fault.message : 'unknown fault'}\n`)
    exit(fault instanceof UsageFault ? 2 : 1)
  }
}

function refuseOnlookers(): void {
  const told = [...process.execArgv, environment().NODE_OPTIONS ?? ''].join(' ')
  if (inspectorUrl() !== undefined || /--inspect|--heapsnapshot|--heap-prof|--report-on|--report-unc/.test(told))
    throw new Error('The signer does not run where an inspector or heap snapshots are on: start it without them, and without NODE_OPTIONS.')
  if (process.platform === 'win32') throw new Error('The signer needs Unix sockets.')
}

/** This process becomes the one that serves: with no core dumps, no debugger by signal, and none of the variables it does not read. */
function startHardened({ key, password }: SignerOptions): void {
  if (typeof process.execve !== 'function') throw new Error('The signer needs a Node that has process.execve.')
  const named = [key, password].flatMap((text) => (text?.startsWith('env:') ? [text.slice(4)] : []))
  const all = environment()
  const env = Object.fromEntries(named.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])))
  const own = [process.execPath, HARDENED, '--disable-warning=ExperimentalWarning', ...process.argv.slice(1)]
  process.execve('/bin/sh', ['sh', '-c', 'ulimit -c 0 && exec "$0" "$@"', ...own], env)
}

async function serve(options: SignerOptions): Promise<void> {
  // With the debugger's own hold on this signal off, it would end the process.
  process.on('SIGUSR1', () => undefined)
  const { socket, journal: path, caps, assets, recipients, acceptRestored } = options
  await privateFolder(dirname(socket))
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await using open = new AsyncDisposableStack()
  await lockJournal(path, open)
  const key = await readKey(options)
  open.defer(() => void key.fill(0))
  const book = new SignerBook(caps)
  const journal = open.use(await openSignerJournal(path, (entry) => book.enter(entry)))
  if (acceptRestored) {
    await journal.append({ kind: 'accepted' })
    book.enter({ kind: 'accepted' })
  }
  const desk = createSignerDesk({ key, assets, ...(recipients && { recipients }), book, journal, now: Date.now })
  const token = randomBytes(32).toString('base64url')
  await clearPlace(socket)
  const door = createSignerDoor({ desk, token })
  await writeFile(`${socket}.new`, `${token}\n`, { mode: 0o600 })
  await rename(`${socket}.new`, `${socket}.token`)
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  await listenAt(door, socket)
  await chmod(socket, 0o600)
  process.stdout.write(`Signing for ${desk.address} at ${socket}\n`)
  await stopped
  door.close()
}

async function readKey({ key, password }: SignerOptions): Promise<Buffer> {
  const env = environment()
  const secret = password === undefined ? undefined : await resolveSecret(refOf(password), env)
  const text = parseKey(await resolveWalletKey(refOf(key), env), secret)
  // Memory of its own: a small Buffer would lie in a pool that other buffers show.
  const bytes = Buffer.alloc(32)
  bytes.write(text.slice(2), 'hex')
  return bytes
}

function refOf(text: string): Exclude<SecretRef, { kind: 'text' }> {
  const ref = parseSecret(text, process.cwd())
  if (!ref || ref.kind === 'text')
    throw new UsageFault('Write --key and --password as file:PATH or env:NAME; what stands in a command line is seen by all.')
  return ref
}

async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid, mode } = await stat(folder)
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
    throw new Error(`The socket's folder must be this user's alone. Run: chmod 700 ${folder}`)
}

/** Two signers with one journal would each count for themselves. The name is let go of with the process, however it ends. */
async function lockJournal(path: string, open: AsyncDisposableStack): Promise<void> {
  if (process.platform !== 'linux') return
  const folder = await realpath(dirname(path))
  const name = createHash('sha256')
    .update(join(folder, basename(path)))
    .digest('hex')
  const lock = createServer((socket) => socket.destroy())
  await listenAt(lock, `\0purser-signer-${name}`).catch((cause) => {
    throw new Error(`Another signer uses the journal ${path}.`, { cause })
  })
  open.defer(() => void lock.close())
}

/** What a killed signer left is removed; where somebody answers, nothing is. */
async function clearPlace(path: string): Promise<void> {
  const probe = connect(path)
  const answered = await once(probe, 'connect').then(
    () => true,
    () => false,
  )
  probe.destroy()
  if (answered) throw new Error(`Another signer answers at ${path} already.`)
  await unlink(path).catch((fault: NodeJS.ErrnoException) => {
    if (fault.code !== 'ENOENT') throw fault
  })
}

async function listenAt(server: Server, path: string): Promise<void> {
  server.listen(path)
  await once(server, 'listening')
}
