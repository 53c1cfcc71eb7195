#!/usr/bin/env node
/** The process: arguments in, exit code out. Nothing modern is loaded before this Node is known to be new enough. */
const OLDEST_NODE = 24

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `purser needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  // The installed program is a bundle: with its maps a stack trace names our sources.
  process.setSourceMapsEnabled(true)
  const { runOnThisProcess } = await import('./cli/process-terminal.ts')
  await runOnThisProcess((code) => process.exit(code))
}

export {}
