/** The tools behind the protocol: one server for each connection, nothing kept between calls. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { DoorError, type OwnDoor } from './own-door.ts'
import { TOOLS, type Tool } from './tools.ts'

export interface McpOptions {
  readonly door: OwnDoor
  readonly version: string
  /** Hears of what should not have happened; what it is given holds no credential. */
  readonly faulted: (tool: string, fault: unknown) => void
}

const INSTRUCTIONS =
  'Purser pays for HTTP requests that go through it, under a budget and a policy that people set. These tools tell what remains, what was paid or refused and why, and ask people for more. None of them pays or grants anything.'

/** Ready to be connected to a transport. */
export function createMcpServer(options: McpOptions): McpServer {
  const server = new McpServer({ name: 'purser', title: 'Purser', version: options.version }, { instructions: INSTRUCTIONS })
  for (const tool of TOOLS) register(server, tool, options)
  return server
}

function register(server: McpServer, tool: Tool, { door, faulted }: McpOptions): void {
  const { name, title, description, input, output, readOnly, openWorld } = tool
  const annotations = { readOnlyHint: readOnly, destructiveHint: false, idempotentHint: readOnly, openWorldHint: openWorld }
  server.registerTool(name, { title, description, inputSchema: input, outputSchema: output, annotations }, async (wanted) => {
    try {
      const { text, data } = await tool.run(door, wanted)
      return { content: [{ type: 'text', text }], structuredContent: data }
    } catch (fault) {
      if (!(fault instanceof DoorError)) faulted(name, fault)
      return failure(fault)
    }
  })
}

/** What happened, then what to do. A fault of ours is not shown: nobody knows what its text holds. */
function failure(fault: unknown): CallToolResult {
  const known = fault instanceof DoorError ? fault : new DoorError('The tool failed.', { nextAction: 'Tell whoever runs it.' })
  const { message, code, nextAction } = known
  const text = [code === undefined ? message : `${code}: ${message}`, ...(nextAction === undefined ? [] : [nextAction])].join(' ')
  return { isError: true, content: [{ type: 'text', text }] }
}
