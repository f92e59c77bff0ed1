// A dashboard of ours in Grafana's own types: what is optional there and needed here is made so.
import { Dashboard, Panel, RowPanel, VariableModel } from './node_modules/@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen';
import * as bars from './node_modules/@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import { PrometheusDataQuery } from './node_modules/@grafana/schema/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen';
import * as stat from './node_modules/@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import * as steps from './node_modules/@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import * as table from './node_modules/@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import * as lines from './node_modules/@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Defaults = Omit<Panel['fieldConfig']['defaults'], 'custom'>;
interface Fields<Custom> { defaults: Defaults & { custom?: Partial<Custom> }; overrides: [] }
type Plain = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'title' | 'gridPos' | 'id'>;
interface Needed {
  id: number;
  title: string;
  description: string;
  targets: PrometheusDataQuery[];
  gridPos: NonNullable<Panel['gridPos']>;
}
type Shown = Plain & Needed & (
  | { type: 'stat'; options: Partial<stat.Options>; fieldConfig: Fields<{}> }
  | { type: 'timeseries'; options: Partial<lines.Options>; fieldConfig: Fields<lines.FieldConfig> }
  | { type: 'bargauge'; options: Partial<bars.Options>; fieldConfig: Fields<{}> }
  | { type: 'state-timeline'; options: Partial<steps.Options>; fieldConfig: Fields<steps.FieldConfig> }
  | { type: 'table'; options: Partial<table.Options>; fieldConfig: Fields<{}> }
);
// Grafana 10.1 reads these two, its published types do not have them yet
type Variable = VariableModel & { sort?: 0 | 1 | 2 | 3 | 4 | 5 | 6; includeAll?: boolean };

export type Board = Omit<Dashboard, 'panels' | 'templating'> & {
  uid: string;
  title: string;
  templating: { list: Variable[] };
  panels: Array<Shown | RowPanel>;
};
