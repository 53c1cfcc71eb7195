/** `fetch` for Purser's own questions (chain, webhooks, issuers' keys): the same ways out as those of upstreams. */
import { getCACertificates } from 'node:tls'
import type { Dispatcher, ProxyAgent } from 'undici'
import type { Fetch } from '../http.ts'
import type { ParentProxy, Parents } from './parent.ts'

export interface ParentFetch extends AsyncDisposable {
  readonly fetch: Fetch
}

/**
 * What sends is loaded by the first question: it is much, and many configurations ask nobody.
 * @param ca PEM of further roots, for origins and for a parent that is reached over TLS; empty: Node's own
 */
export function createParentFetch(parents: Parents, ca: readonly string[] = []): ParentFetch {
  let opened: Promise<ParentFetch> | undefined
  return {
    fetch: async (url, init) => {
      opened ??= openFetch(parents, ca)
      return (await opened).fetch(url, init)
    },
    [Symbol.asyncDispose]: async () => (await opened)?.[Symbol.asyncDispose](),
  }
}

async function openFetch(parents: Parents, ca: readonly string[]): Promise<ParentFetch> {
  const { Agent, ProxyAgent, fetch } = await import('undici')
  const agents = new Map<ParentProxy, ProxyAgent>()
  // Of our own as well: the process-wide one may follow HTTP_PROXY, which can name this very Purser.
  const direct = new Agent({ connect: tlsOf(ca) })
  const dispatcherTo = (parent: ParentProxy): Dispatcher => {
    const agent = agents.get(parent) ?? new ProxyAgent(agentOptions(parent, ca))
    agents.set(parent, agent)
    return agent
  }
  return {
    fetch: (url, init) => {
      const parent = parents.of(originOf(new URL(url)))
      const dispatcher = parent === undefined ? direct : dispatcherTo(parent)
      // The two libraries' types of one standard differ in what nobody here uses.
      return fetch(url, { ...(init as object), dispatcher }) as unknown as Promise<Response>
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([direct, ...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

function agentOptions({ host, port, secure, authorization }: ParentProxy, ca: readonly string[]): ProxyAgent.Options {
  const tls = tlsOf(ca)
  return {
    uri: `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ...(authorization !== undefined && { token: authorization }),
    ...{ proxyTunnel: false, proxyTls: tls, requestTls: tls },
  }
}

/** A list of roots replaces Node's own. */
function tlsOf(ca: readonly string[]): { readonly ca?: string[] } {
  return ca.length === 0 ? {} : { ca: [...getCACertificates('default'), ...ca] }
}

function originOf({ protocol, hostname, port }: URL): Parameters<Parents['of']>[0] {
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return { scheme, host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port) }
}
