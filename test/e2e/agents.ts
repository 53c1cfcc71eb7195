/** Agents as people run them: other programs, with nothing but the proxy variables set. */
import { spawn, spawnSync } from 'node:child_process'

export interface Said {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. The environment holds PATH and what is given, nothing else. */
export async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = Promise.withResolvers<number | null>()
  child.on('error', ended.reject).on('close', ended.resolve)
  return { code: await ended.promise, stdout, stderr }
}

export const has = (command: string): boolean => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0

export interface Errand {
  readonly url: string
  readonly proxyUrl: string
  /** PEM file that the agent trusts. */
  readonly caFile: string
}

export interface Fetched {
  readonly status: number
  readonly body: string
  /** The Purser-Payment header, or an empty string. */
  readonly payment: string
}

export type Agent = (errand: Errand) => Promise<Fetched>

const proxyVariables = ({ proxyUrl }: Errand) => ({
  HTTP_PROXY: proxyUrl,
  HTTPS_PROXY: proxyUrl,
  http_proxy: proxyUrl,
  https_proxy: proxyUrl,
  NO_PROXY: '',
  no_proxy: '',
})

/** The last line is status and payment id, all before it the body. */
function readReport({ code, stdout, stderr }: Said): Fetched {
  const lines = stdout.trimEnd().split('\n')
  const [status = '', payment = ''] = (lines.pop() ?? '').split(' ')
  if (code !== 0 || !/^\d{3}$/.test(status)) throw new Error(`the agent failed (${code}): ${stdout}${stderr}`)
  return { status: Number(status), payment, body: lines.join('\n') }
}

export const curl: Agent = async (errand) => {
  const format = '\n%{http_code} %header{purser-payment}\n'
  const args = ['--silent', '--show-error', '--max-time', '30', '--cacert', errand.caFile, '--write-out', format, errand.url]
  return readReport(await run('curl', args, proxyVariables(errand)))
}

const PYTHON = `
import os, ssl, sys, urllib.request, urllib.error
url, ca = sys.argv[1], sys.argv[2]
opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
try:
    answer = opener.open(url, timeout=30)
except urllib.error.HTTPError as error:
    answer = error
print(answer.read().decode())
print(answer.status, answer.headers.get('purser-payment', ''))
`

export const python: Agent = async (errand) =>
  readReport(await run('python3', ['-c', PYTHON, errand.url, errand.caFile], proxyVariables(errand)))

const NODE = `
const answer = await fetch(process.argv[1])
console.log(await answer.text())
console.log(answer.status, answer.headers.get('purser-payment') ?? '')
`

/** Node's own fetch, with its switch for the proxy variables. */
export const nodeFetch: Agent = async (errand) => {
  const env = { ...proxyVariables(errand), NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: errand.caFile }
  return readReport(await run(process.execPath, ['--input-type=module', '--eval', NODE, errand.url], env))
}

const UNDICI = `
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const { ProxyAgent, request } = createRequire(process.argv[3])('undici')
const proxy = new URL(process.env.HTTP_PROXY)
const token = 'Basic ' + Buffer.from(decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password)).toString('base64')
const dispatcher = new ProxyAgent({ uri: proxy.origin, token, proxyTunnel: process.argv[1].startsWith('https:'), requestTls: { ca: readFileSync(process.argv[2]) } })
const answer = await request(process.argv[1], { dispatcher })
console.log(await answer.body.text())
console.log(answer.statusCode, answer.headers['purser-payment'] ?? '')
await dispatcher.close()
`

export const undiciProxyAgent: Agent = async (errand) =>
  readReport(
    await run(
      process.execPath,
      ['--input-type=module', '--eval', UNDICI, errand.url, errand.caFile, import.meta.filename],
      proxyVariables(errand),
    ),
  )
