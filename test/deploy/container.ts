/**
 * What a container engine and a pod do for a process, with the kernel's own means: namespaces of its own for network and
 * mounts, a root that cannot be written, a user that is nobody. Needs root and the usual tools; elsewhere tests are skipped.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { run, type Said } from '../e2e/agents.ts'
import type { Image } from './dockerfile.ts'

/** Why containers cannot be imitated here; undefined where they can. */
export function barToContainers(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'this needs Linux and root'
  const tried = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', 'ip link set lo up && command -v chroot nsenter curl ldd'])
  return tried.status === 0 ? undefined : 'this machine gives no namespaces, or has no ip, nsenter, curl or ldd'
}

/** One network, as the containers of a pod share it. */
export class Network implements AsyncDisposable {
  readonly #holder: ChildProcess

  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  static async open(): Promise<Network> {
    const holder = spawn('unshare', ['--net', '--mount', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'])
    await once(holder.stdout, 'data')
    return new Network(holder)
  }

  get pid(): number {
    return this.#holder.pid ?? 0
  }

  /** Arguments that make a program run in this network, as `user`. */
  inside(command: readonly string[], user = 0): [string, string[]] {
    const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs']
    return ['nsenter', ['--target', String(this.pid), '--net', '--mount', ...(user === 0 ? [] : as), ...command]]
  }

  run(command: readonly string[], user = 0): Promise<Said> {
    return run(...this.inside(command, user))
  }

  /** As root, or the test is wrong. */
  async must(command: string): Promise<void> {
    const said = await this.run(['sh', '-euc', command])
    if (said.code !== 0) throw new Error(`${command}: ${said.stderr}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#holder, 'SIGKILL')
  }
}

/** Joins two networks by a wire. Addresses with their prefix lengths. */
export async function wire(one: Network, other: Network, addresses: { readonly one: string; readonly other: string }): Promise<void> {
  await one.must(`ip link add eth0 type veth peer name eth0 netns /proc/${other.pid}/ns/net`)
  for (const [network, address] of [
    [one, addresses.one],
    [other, addresses.other],
  ] as const)
    await network.must(`ip address add ${address} dev eth0 && ip link set eth0 up`)
}

/** The image at work in a network: its root read-only, its data and its temporary folder apart and empty. */
export class Container implements AsyncDisposable {
  readonly output: string[] = []
  readonly #child: ChildProcess
  readonly #image: Image

  private constructor(image: Image, child: ChildProcess) {
    this.#image = image
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => this.output.push(text))
  }

  static async start(image: Image, network: Network): Promise<Container> {
    await network.must(mounts(image))
    const child = spawn(...network.inside(inImage(image, [...image.entrypoint, ...image.command])), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: own(),
    })
    return new Container(image, child)
  }

  /** As `docker exec` does, in the same user. */
  exec(network: Network, command: readonly string[]): Promise<Said> {
    return network.run(inImage(this.#image, command))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Until it says that it has started; then it has to be found healthy, as an engine asks. */
  async healthy(network: Network): Promise<void> {
    const heard = Promise.withResolvers<void>()
    this.#child.stdout?.on('data', () => /^(Ready|Started)\b/m.test(this.output.join('')) && heard.resolve())
    this.#child.on('close', () => heard.resolve())
    await heard.promise
    const { code } = await this.exec(network, this.#image.healthcheck)
    if (code !== 0) throw new Error(`not healthy (${code}), ended with ${this.#child.exitCode}: ${this.output.join('')}`)
  }

  /** The exit code. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    return this.#child.exitCode
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.ended()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child, 'SIGKILL')
  }
}

function mounts({ root, user }: Image): string {
  const [uid, gid] = user.split(':')
  return [
    `mountpoint -q '${root}' && exit 0`,
    `mount --bind '${root}' '${root}'`,
    `mount -o remount,bind,ro '${root}'`,
    `mount -t tmpfs -o mode=1777 tmpfs '${root}/tmp'`,
    `mount -t tmpfs -o mode=700,uid=${uid},gid=${gid} tmpfs '${root}/var/lib/purser'`,
    `mount --rbind /proc '${root}/proc'`,
    `mount --rbind /dev '${root}/dev'`,
  ].join('; ')
}

function inImage({ root, user, env }: Image, command: readonly string[]): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return ['env', '-i', path, ...variables, 'chroot', `--userspec=${user}`, '--groups=', root, ...command]
}

const own = () => ({ PATH: process.env.PATH ?? '' })

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'close')
}
