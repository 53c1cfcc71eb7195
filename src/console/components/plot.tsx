/** A plot of uPlot, drawn anew when data, size or colours change. It is a picture: its page says in words what it shows. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { colours } from './theme.tsx'

export interface PlotSeries {
  readonly label: string
  /** For drawing only. */
  readonly values: readonly number[]
  /** What is written for each value, exactly. */
  readonly texts: readonly string[]
}

export interface PlotProps {
  readonly title: string
  /** Seconds since 1970, ascending. */
  readonly at_s: readonly number[]
  readonly series: readonly PlotSeries[]
  /** How a value is written at the axis. */
  readonly write: (value: number) => string
  readonly height?: number
  /** Columns that stand on each other, or lines. */
  readonly kind?: 'columns' | 'lines'
}

/** Enough to be told apart; further ones begin again. */
const HUES = ['--plot-1', '--plot-2', '--plot-3', '--plot-4', '--plot-5'] as const

export function Plot(props: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const painted = colours.value
  useEffect(() => {
    const { current } = box
    if (!current) return
    const plot = new uPlot(optionsOf(props, current), dataOf(props), current)
    const sized = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height: props.height ?? 180 }))
    sized.observe(current)
    return () => {
      sized.disconnect()
      plot.destroy()
    }
  }, [props.at_s, props.series, props.kind, painted])
  return <div class="plot" ref={box} role="img" aria-label={props.title} />
}

/** Each on top of those before it. */
function stacked(series: readonly PlotSeries[]): number[][] {
  const sums: number[] = []
  return series.map(({ values }) =>
    values.map((value, at) => {
      sums[at] = (sums[at] ?? 0) + value
      return sums[at]
    }),
  )
}

function dataOf({ at_s, series, kind = 'columns' }: PlotProps): uPlot.AlignedData {
  const drawn = kind === 'columns' ? stacked(series).reverse() : series.map(({ values }) => [...values])
  return [[...at_s], ...drawn]
}

function optionsOf({ at_s, series, write, height = 180, kind = 'columns' }: PlotProps, box: HTMLElement): uPlot.Options {
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(name).trim()
  const columns = uPlot.paths.bars?.({ size: [0.8, 24], align: 1, gap: 1 })
  const lines = series.map(({ label, texts }, number): uPlot.Series => {
    const hue = colour(HUES[number % HUES.length] ?? HUES[0])
    const own: uPlot.Series = { label, stroke: hue, width: 1.5, points: { show: false } }
    const value = (_: uPlot, __: number | null, ___: number, at: number | null) => (at === null ? '' : (texts[at] ?? ''))
    return kind === 'columns' && columns ? { ...own, fill: hue, width: 0, paths: columns, value } : { ...own, value }
  })
  const clock = clockOf(at_s)
  const axis: uPlot.Axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  return {
    width: box.clientWidth,
    height,
    series: [{ value: (_, at) => (at === null ? '' : clock(at)) }, ...(kind === 'columns' ? lines.reverse() : lines)],
    axes: [
      { ...axis, grid: { show: false }, values: (_, at) => at.map(clock), space: 60 },
      { ...axis, values: (_, at) => at.map(write), size: 64, space: 36 },
    ],
    scales: {
      x: { range: (_, first, last) => [first, last + (kind === 'columns' ? stepOf(at_s) : 0)] },
      y: { range: (_, __, top) => [0, top > 0 ? top * 1.08 : 1] },
    },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    legend: { live: true },
  }
}

/** A column stands from its moment to the next one, so the last one needs a step of room. */
function stepOf([first = 0, second = first]: readonly number[]): number {
  return second - first
}

/** Times at the axis: with seconds where minutes would all be the same. */
function clockOf(at_s: readonly number[]): (at_s: number) => string {
  const isShort = (at_s.at(-1) ?? 0) - (at_s[0] ?? 0) < SHORT_S
  const format = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...(isShort && { second: '2-digit' }) })
  return (at) => format.format(at * 1_000)
}

const SHORT_S = 600
