/** The tools that `doctor` really runs: each asks one address with its own HTTP client and says what status came back. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../config/environment.ts'
import { DOCTOR_TOOL_TIMEOUT_MS } from '../limits.ts'

export interface Tool {
  readonly name: string
  /** Variables by which it finds a proxy, and by which it trusts an authority. */
  readonly proxyVariables: string
  readonly trustVariable: string
  readonly file: string
  readonly versionArgs: readonly string[]
  /** Arguments that make it ask `url` and print the status. */
  readonly args: (url: string, scratch: string) => readonly string[]
}

export type Probe =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'missing' }

const NODE = `fetch(process.argv[1]).then((a) => console.log(a.status), (e) => { console.error(e.cause?.message ?? e.message); process.exitCode = 1 })`
const PYTHON = `
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
except Exception as error:
    sys.exit(str(getattr(error, "reason", error)))
`
const GO = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(answer.StatusCode)
}
`

export const TOOLS: readonly Tool[] = [
  {
    name: 'Node',
    proxyVariables: 'HTTP_PROXY, HTTPS_PROXY and NODE_USE_ENV_PROXY=1 (Node 24 or 22.21 and newer)',
    trustVariable: 'NODE_EXTRA_CA_CERTS',
    file: 'node',
    versionArgs: ['--version'],
    args: (url) => ['-e', NODE, url],
  },
  {
    name: 'curl',
    proxyVariables: 'http_proxy and https_proxy (in lower case)',
    trustVariable: 'CURL_CA_BUNDLE',
    file: 'curl',
    versionArgs: ['--version'],
    args: (url) => ['-sS', '-o', devNull, '-w', '%{http_code}', '--max-time', '20', url],
  },
  {
    name: 'Python',
    proxyVariables: 'HTTP_PROXY and HTTPS_PROXY',
    trustVariable: 'SSL_CERT_FILE (and REQUESTS_CA_BUNDLE for requests)',
    file: 'python3',
    versionArgs: ['--version'],
    args: (url) => ['-c', PYTHON, url],
  },
  {
    name: 'Go',
    proxyVariables: 'HTTP_PROXY and HTTPS_PROXY',
    trustVariable: 'SSL_CERT_FILE',
    file: 'go',
    versionArgs: ['version'],
    args: (url, scratch) => ['run', join(scratch, 'main.go'), url],
  },
]

/** The tool's version number, or undefined where it is not installed. */
export async function versionOf(tool: Tool, env: Environment): Promise<string | undefined> {
  const ran = await run(tool.file, tool.versionArgs, env)
  return ran.code === 0 ? (/[0-9]+(\.[0-9]+)+/.exec(ran.stdout)?.[0] ?? 'of unknown version') : undefined
}

/** Lets the tool ask `url` in this environment. Never rejects. */
export async function probe(tool: Tool, url: string, env: Environment): Promise<Probe> {
  const scratch = await mkdtemp(join(tmpdir(), 'purser-doctor-'))
  try {
    await writeFile(join(scratch, 'main.go'), GO)
    const { code, stdout, stderr } = await run(tool.file, tool.args(url, scratch), env)
    if (code === 'ENOENT') return { kind: 'missing' }
    const status = /\b[1-5][0-9]{2}\b/.exec(stdout)?.[0]
    return code === 0 && status !== undefined ? { kind: 'answered', status: Number(status) } : { kind: 'failed', why: firstLine(stderr) }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Ran {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

function run(file: string, args: readonly string[], env: Environment): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, [...args], { env: { ...env }, timeout: DOCTOR_TOOL_TIMEOUT_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'killed'), stdout, stderr })
    })
  })
}

/** The fault comes first; what follows is advice. */
function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.trim() || 'it ended without an answer'
}
