/** Debian's Prometheus and its promtool, where the machine has them on its path. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'

/** The program's path; undefined where there is none. */
export function found(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
}

export interface Prometheus extends AsyncDisposable {
  readonly url: string
  /** GET of its API: the `data` of the answer. @throws Error with its reason */
  ask<T>(path: string, query?: Readonly<Record<string, string>>): Promise<T>
}

export interface PrometheusPlan {
  readonly program: string
  /** host:port of what is scraped, each second. */
  readonly target: string
  readonly ruleFiles: readonly string[]
}

/** Listens on a free port of the loopback; its data goes with it. */
export async function startPrometheus({ program, target, ruleFiles }: PrometheusPlan): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-prometheus-'))
  const file = join(folder, 'prometheus.yml')
  const scrape = { job_name: 'purser', static_configs: [{ targets: [target] }] }
  const config = { global: { scrape_interval: '1s', evaluation_interval: '1s' }, rule_files: ruleFiles, scrape_configs: [scrape] }
  await writeFile(file, stringify(config))
  const options = [`--config.file=${file}`, `--storage.tsdb.path=${folder}`, '--web.listen-address=127.0.0.1:0', '--log.format=json']
  const child = spawn(program, [...options, '--enable-feature=exemplar-storage'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const url = await listening(child)
  return {
    url,
    async ask<T>(path: string, query: Readonly<Record<string, string>> = {}) {
      const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)
      const body: { status: string; data: T; error?: string } = JSON.parse(await answer.text())
      if (body.status !== 'success') throw new Error(`${query.query}: ${body.error}`)
      return body.data
    },
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      child.once('exit', resolve)
      child.kill()
      await promise
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Its log says which port it got. */
async function listening({ stderr }: ChildProcess): Promise<string> {
  const said: string[] = []
  if (stderr) {
    const lines = createInterface({ input: stderr })
    for await (const line of lines) {
      said.push(line)
      const [, port] = /"address":"(?:127\.0\.0\.1|\[::\]):(\d+)","[^}]*Listening on/.exec(line) ?? []
      if (port !== undefined && port !== '0') {
        stderr.resume()
        return `http://127.0.0.1:${port}`
      }
    }
  }
  throw new Error(`Prometheus did not start: ${said.join('\n')}`)
}
