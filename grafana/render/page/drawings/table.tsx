/**
 * Tables with Grafana's Table, the one that Grafana draws up to 12.0. Its successor needs a build of react-data-grid
 * that is in no registry.
 */
import type { TableCellHeight } from '@grafana/schema';
import { Table, type TableSortByFieldState } from '@grafana/ui';
import type { DrawingProps } from './drawing.js';

export function Rows(props: DrawingProps) {
  const [frame] = props.frames;
  if (frame === undefined) return <p>{props.fieldConfig.defaults.noValue}</p>;
  return (
    <Table
      data={frame}
      width={props.width}
      height={props.height}
      timeRange={props.timeRange}
      fieldConfig={props.fieldConfig}
      noHeader={props.options['showHeader'] === false}
      cellHeight={props.options['cellHeight'] as TableCellHeight | undefined}
      initialSortBy={props.options['sortBy'] as TableSortByFieldState[] | undefined}
    />
  );
}
