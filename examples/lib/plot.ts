/** A plot of curves and paths as an SVG document, with a logarithmic x axis. */
export interface Series {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly color: string;
  /** Draw the points themselves, too. */
  readonly points?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
}

const [width, height] = [720, 440];
const margin = { left: 72, right: 24, top: 44, bottom: 56 };

export function plot(series: readonly Series[], { title, xLabel, yLabel }: PlotOptions): string {
  const xs = series.flatMap((s) => s.x).map(Math.log10);
  const ys = series.flatMap((s) => s.y);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const pad = 0.06 * (Math.max(...ys) - Math.min(...ys));
  const [y0, y1] = [Math.min(...ys) - pad, Math.max(...ys) + pad];
  const px = (x: number): number =>
    margin.left + ((Math.log10(x) - x0) / (x1 - x0)) * (width - margin.left - margin.right);
  const py = (y: number): number =>
    height - margin.bottom - ((y - y0) / (y1 - y0)) * (height - margin.top - margin.bottom);
  const at = (n: number): string => n.toFixed(1);

  const decades = Array.from({ length: Math.floor(x1) - Math.ceil(x0) + 1 }, (_, i) => Math.ceil(x0) + i);
  const xTicks = decades.map((d) => {
    const x = at(px(10 ** d));
    return `<path d="M${x} ${height - margin.bottom}V${margin.top}" stroke="#ddd"/><text x="${x}" y="${height - margin.bottom + 18}" text-anchor="middle">10<tspan dy="-5" font-size="9">${d}</tspan></text>`;
  });
  const yTicks = Array.from({ length: 6 }, (_, i) => y0 + ((y1 - y0) * i) / 5).map((v) => {
    const y = at(py(v));
    return `<path d="M${margin.left} ${y}H${width - margin.right}" stroke="#eee"/><text x="${margin.left - 8}" y="${y}" text-anchor="end" dominant-baseline="middle">${v.toFixed(4)}</text>`;
  });
  const curves = series.map((s) => {
    const points = s.x.map((x, i) => [at(px(x)), at(py(s.y[i]!))] as const);
    const line = `<path d="M${points.map((p) => p.join(' ')).join('L')}" fill="none" stroke="${s.color}" stroke-width="1.8"/>`;
    const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.6" fill="${s.color}"/>`);
    return line + (s.points ? dots.join('') : '');
  });
  const legend = series.map(
    (s, i) =>
      `<path d="M${margin.left + 16} ${margin.top + 16 + 18 * i}h22" stroke="${s.color}" stroke-width="3"/><text x="${margin.left + 46}" y="${margin.top + 20 + 18 * i}">${s.label}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">
<rect width="${width}" height="${height}" fill="white"/>
<text x="${width / 2}" y="24" text-anchor="middle" font-size="15">${title}</text>
${[...xTicks, ...yTicks, ...curves, ...legend].join('\n')}
<text x="${width / 2}" y="${height - 14}" text-anchor="middle">${xLabel}</text>
<text transform="translate(16 ${height / 2}) rotate(-90)" text-anchor="middle">${yLabel}</text>
</svg>
`;
}
