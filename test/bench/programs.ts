/**
 * Proxies that are programs of their own, measured where the path has them: the least configuration that does the same
 * work as Purser on that way, on one core, with connections kept open on both sides, no log and no cache.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Way } from './peers.ts'
import { MEASURED_CORE, programVersion, type Running, startProgram } from './processes.ts'

export interface Place {
  readonly folder: string
  readonly origin: { readonly plain: number; readonly tls: number }
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string }
}

interface Program {
  readonly name: string
  readonly command: string
  readonly version: readonly string[]
  readonly ways: readonly Way[]
  /** Where nothing is asked of a tunnel first: the connection itself goes to the origin. */
  readonly isTransparent?: boolean
  start(way: Way, place: Place, port: number): Promise<readonly string[]>
}

export interface StartedProgram {
  readonly name: string
  readonly way: Way
  readonly version: string
  readonly isTransparent: boolean
  readonly running: Running<{ readonly port: number }>
}

/** Those that are installed, each as often as there are ways that it knows; one that does not start is told, and left out. */
export async function startPrograms(place: Place, tell: (sentence: string) => void): Promise<StartedProgram[]> {
  const started: StartedProgram[] = []
  for (const program of PROGRAMS) {
    const version = programVersion(program.command, program.version)
    if (version === undefined) continue
    for (const way of program.ways) {
      const { command, isTransparent = false } = program
      try {
        const running = await startProgram({ command, core: MEASURED_CORE, args: (port) => program.start(way, place, port) })
        started.push({ name: nameOf(program, way), way, version, isTransparent, running })
      } catch (fault) {
        tell(`${program.name}, ${way}, is left out: ${fault instanceof Error ? fault.message : fault}`)
      }
    }
  }
  return started
}

function nameOf({ name, isTransparent }: Program, way: Way): string {
  if (!isTransparent || way === 'reverse') return name
  return way === 'blind' ? `${name}, tcp` : `${name}, TLS to TLS`
}

async function configured(place: Place, name: string, lines: readonly string[]): Promise<string> {
  const file = join(place.folder, name)
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

const nginx: Program = {
  name: 'nginx',
  command: 'nginx',
  version: ['-v'],
  ways: ['reverse', 'intercepted'],
  isTransparent: true,
  async start(way, place, port) {
    const { folder, origin, tls } = place
    const secure = way === 'intercepted'
    const upstream = secure
      ? `https://up; proxy_ssl_trusted_certificate ${tls.ca}; proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_session_reuse on`
      : 'http://up'
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `  ${what}_temp_path ${folder}/nginx-${what};`)
    const file = await configured(place, `nginx-${way}.conf`, [
      'daemon off; master_process off; worker_processes 1; error_log stderr crit;',
      `pid ${folder}/nginx-${way}.pid;`,
      'events { worker_connections 2048; }',
      'http {',
      ...temporary,
      '  access_log off; keepalive_requests 100000000; keepalive_timeout 1h;',
      `  upstream up { server 127.0.0.1:${secure ? origin.tls : origin.plain}; keepalive 256; keepalive_requests 100000000; }`,
      '  server {',
      secure
        ? `    listen 127.0.0.1:${port} ssl; ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`
        : `    listen 127.0.0.1:${port};`,
      `    location / { proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass ${upstream}; }`,
      '  }',
      '}',
    ])
    return ['-c', file, '-p', folder, '-e', 'stderr']
  },
}

const haproxy: Program = {
  name: 'haproxy',
  command: 'haproxy',
  version: ['-v'],
  ways: ['reverse', 'blind'],
  isTransparent: true,
  async start(way, place, port) {
    const file = await configured(place, `haproxy-${way}.cfg`, [
      'global',
      '  nbthread 1',
      '  maxconn 4096',
      'defaults',
      `  mode ${way === 'blind' ? 'tcp' : 'http'}`,
      '  timeout connect 5s',
      '  timeout client 1h',
      '  timeout server 1h',
      ...(way === 'blind' ? [] : ['  http-reuse always']),
      'frontend in',
      `  bind 127.0.0.1:${port}`,
      '  default_backend out',
      'backend out',
      `  server origin 127.0.0.1:${place.origin.plain}`,
    ])
    return ['-f', file, '-db', '-q']
  },
}

const squid: Program = {
  name: 'squid',
  command: 'squid',
  version: ['-v'],
  ways: ['absolute', 'blind', 'intercepted'],
  async start(way, place, port) {
    const { folder, tls } = place
    const nothing = await configured(place, 'squid-mime.conf', [])
    const bump = `ssl-bump generate-host-certificates=off tls-cert=${tls.cert} tls-key=${tls.key}`
    const file = await configured(place, `squid-${way}.conf`, [
      `http_port 127.0.0.1:${port}${way === 'intercepted' ? ` ${bump}` : ''}`,
      ...(way === 'intercepted'
        ? [
            'ssl_bump bump all',
            `tls_outgoing_options cafile=${tls.ca}`,
            `sslcrtd_program ${process.execPath}`,
            'sslcrtd_children 1 startup=0 idle=1',
          ]
        : []),
      'http_access allow all',
      'cache deny all',
      'cache_mem 0',
      'access_log none',
      'cache_log /dev/null',
      'pid_filename none',
      // Where root starts it, it wants to be somebody else; Debian has this user.
      ...(process.getuid?.() === 0 ? ['cache_effective_user proxy'] : []),
      'via off',
      'forwarded_for delete',
      'max_filedescriptors 4096',
      'shutdown_lifetime 0 seconds',
      'netdb_filename none',
      // Looked for at its start and never used without a cache: any program will do.
      `mime_table ${nothing}`,
      `unlinkd_program ${process.execPath}`,
      `icon_directory ${folder}`,
      'pinger_enable off',
      'client_persistent_connections on',
      'server_persistent_connections on',
    ])
    // By its name: several run beside each other, and share no memory.
    return ['-N', '-n', `bench${port}`, '-f', file]
  },
}

const mitmproxy: Program = {
  name: 'mitmproxy',
  command: 'mitmdump',
  version: ['--version'],
  ways: ['absolute', 'intercepted'],
  async start(way, { folder, tls }, port) {
    const home = `confdir=${folder}/mitmproxy-${way}`
    const certificate = await joined(folder, tls)
    const set = [home, 'stream_large_bodies=64k', `certs=*=${certificate}`, `ssl_verify_upstream_trusted_ca=${tls.ca}`]
    return ['-q', '--listen-host', '127.0.0.1', '-p', `${port}`, ...set.flatMap((one) => ['--set', one])]
  },
}

/** mitmproxy wants the key and the certificate in one file. */
async function joined(folder: string, { cert, key }: Place['tls']): Promise<string> {
  const file = join(folder, 'mitmproxy-leaf.pem')
  await writeFile(file, (await Promise.all([readFile(key, 'utf8'), readFile(cert, 'utf8')])).join('\n'))
  return file
}

const PROGRAMS: readonly Program[] = [nginx, haproxy, squid, mitmproxy]
