package dag

// An AssetJob is a selection of assets that runs like a job, with tags, config, an executor and the like of its own (Dagster's define_asset_job). Put it beside the definitions with
// [Definitions.With].
type AssetJob struct{ def *JobDef }

// NewAssetJob makes the job key of the assets that a selection names, as --select takes it: "group:weather", "*report". The selection is that of the assets of the binary, and what is wrong with it, or
// with the options, is reported when the job is listed, planned or run. Of the options, Inputs say nothing: assets take none.
func NewAssetJob(key, selection string, o JobOptions) AssetJob {
	def := &JobDef{GraphDef: GraphDef{Key: key}, Select: selection}
	if selection == "" {
		def.Select = "*"
	}
	return AssetJob{o.apply(def)}
}

// JobDef returns the definition of j.
func (j AssetJob) JobDef() *JobDef { return j.def }
