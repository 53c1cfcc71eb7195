/** Both protocols inside MCP, as one dialect: what is asked by both is a 402 that asks by both, and is paid once. */
import type { RawHeaders } from '../http.ts'
import { mppInMcp } from './mpp/in-mcp.ts'
import { x402InMcp } from './x402/in-mcp.ts'

const NOTHING = new Uint8Array()

export const inMcp = {
  metaKeys: [...x402InMcp.metaKeys, ...mppInMcp.metaKeys],
  /** Headers and body of the 402 that asks for the same. */
  challengeIn(response: string): { readonly headers: RawHeaders; readonly body: Uint8Array } | undefined {
    const [body, headers] = [x402InMcp.challengeIn(response), mppInMcp.challengeIn(response)]
    return body || headers ? { headers: headers ?? [], body: body ?? NOTHING } : undefined
  },
  carried: (headers: RawHeaders) => x402InMcp.carried(headers) ?? mppInMcp.carried(headers),
  settlementIn: (response: string): RawHeaders => [...x402InMcp.settlementIn(response), ...mppInMcp.settlementIn(response)],
}
