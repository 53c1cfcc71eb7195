/** Sockets to the server: opened here, so that no connection is ever opened again behind the ledger's back. */
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import { CONNECT_TIMEOUT_MS } from '../../limits.ts'
import { DatabaseFault } from './faults.ts'
import { type Host, isLocal, type Place } from './place.ts'

/** Resolves with a connected socket, before any TLS. */
export function dial({ name, port }: Host): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = name.startsWith('/') ? connect(`${name}/.s.PGSQL.${port}`) : connect(port, name)
    const fail = (cause: Error) => {
      socket.destroy()
      reject(cause)
    }
    socket.setNoDelay(true)
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail(new DatabaseFault('CONNECT_TIMEOUT', `${name}:${port} does not answer`)))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.setTimeout(0)
      socket.removeAllListeners('timeout')
      // It can break before anybody else listens; whoever uses it then finds it destroyed.
      socket.on('error', () => undefined)
      socket.removeListener('error', fail)
      resolve(socket)
    })
  })
}

/** How TLS is to be spoken with this host, or false where it is not: by default it is, except on this very machine. */
export function tlsFor(host: Host, { verify, ...files }: Place['tls']): ConnectionOptions | false {
  if (verify === 'off' || (verify === 'default' && isLocal(host))) return false
  const named = isIP(host.name) === 0 ? { servername: host.name } : {}
  if (verify === 'none') return { ...files, ...named, rejectUnauthorized: false }
  const checkName =
    verify === 'chain'
      ? () => undefined
      : (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(host.name, certificate)
  return { ...files, ...named, rejectUnauthorized: true, minVersion: 'TLSv1.2', checkServerIdentity: checkName }
}
