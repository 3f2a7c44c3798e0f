package model

// The codes of this stage; docs/errors.md describes each. They are stable for ever: never renumber, never use one again.
const (
	// Signatures, names and types.

	CodeGeneric        = "DAG0301" // type parameters on an annotated declaration
	CodeInvalidType    = "DAG0302" // a type of the signature does not exist
	CodeGeneratedType  = "DAG0303" // the signature uses a type that dagstergen would generate
	CodeParamName      = "DAG0304" // a parameter without a usable name
	CodeRepeatedName   = "DAG0305" // two parameters or two results with one name
	CodeContext        = "DAG0306" // more than one context
	CodeErrorResult    = "DAG0307" // an error that is not the last result
	CodeResultNames    = "DAG0308" // several results without names
	CodeSource         = "DAG0309" // not the signature of a source
	CodeKey            = "DAG0310" // a name that makes no key
	CodeDuplicateKey   = "DAG0311" // two things with one key
	CodeGeneratedName  = "DAG0312" // a declaration has a name that dagstergen generates
	CodeReservedName   = "DAG0313" // a declaration hides a name that generated code needs
	CodeStorable       = "DAG0314" // a data type that cannot be stored and read back exactly
	CodeInjectedResult = "DAG0315" // a result whose type is injected, never wired
	CodeConfigPointer  = "DAG0316" // a config by pointer
	CodeConfigCount    = "DAG0317" // more than one config
	CodeResource       = "DAG0318" // not the signature of a resource
	CodeResourceType   = "DAG0319" // a resource type that would capture data
	CodeNestedFile     = "DAG0320" // a dag.File inside another type
	CodeCgo            = "DAG0321" // a C type in a signature
	CodeCodec          = "DAG0322" // a result that the codec of codec= does not give back exactly
	CodeCheckResult    = "DAG0323" // not the results of a check
	CodeCodecImport    = "DAG0324" // a codec whose package is not imported

	// Wiring: assets, resources, configs, what arguments name.

	CodeUnknownInput      = "DAG0401" // a parameter that names no asset
	CodeInputType         = "DAG0402" // an output and the parameter it feeds have different types
	CodeAssetCycle        = "DAG0403"
	CodeUnknownParam      = "DAG0404" // in.PARAM= without such a data parameter
	CodeAmbiguousInput    = "DAG0405" // several assets with the key in sight
	CodeUnknownDep        = "DAG0406" // deps= names no asset
	CodeNoValue           = "DAG0407" // a parameter names an asset that returns nothing
	CodeNoResource        = "DAG0411" // no resource for a receiver
	CodeAmbiguousResource = "DAG0412"
	CodeResourceCycle     = "DAG0413"
	CodeUnknownIO         = "DAG0421" // io= names no resource
	CodeNotIO             = "DAG0422" // io= names a resource that is no dag.IOManager
	CodeUnknownStrategy   = "DAG0423"
	CodeNotStrategy       = "DAG0424"
	CodeUnknownHook       = "DAG0425" // hooks= names no hook
	CodeHook              = "DAG0426" // not the signature of a hook
	CodeCheckAsset        = "DAG0427" // a check of something that is no asset, or of no asset at all
	CodeUnknownPartitions = "DAG0428" // partitions= names no partitions
	CodePartitions        = "DAG0429" // a variable marked //dag:partitions that holds no partitions
	CodeGather            = "DAG0430" // a parameter that takes several partitions of something that has none, or one of what has several
	CodeConfigField       = "DAG0431" // a config field of a type that run config cannot hold
	CodeConfigDefault     = "DAG0432" // a default that is not of the field's type
	CodeConfigTag         = "DAG0433" // a tag that says nothing
	CodeConfigName        = "DAG0434" // two config fields with one name
	CodePartitionConfig   = "DAG0435" // config= names no function that makes the config of a partition
	CodeUnknownExecutor   = "DAG0436" // executor= names no executor
	CodeUnexported        = "DAG0441" // something unexported that another package's definitions need
	CodeUnspeakable       = "DAG0442" // a type that generated code cannot name
	CodeWas               = "DAG0451" // an earlier key of an asset that is another one's
	CodeSubset            = "DAG0452" // subset of what is one asset, or dag.Selected of no output

	// Bodies of jobs and graphs.

	CodeJobStatement   = "DAG0501"
	CodeJobCall        = "DAG0502" // a call of something that is no op
	CodeJobExpression  = "DAG0503" // computation in the body of a job
	CodeJobUnchecked   = "DAG0504" // an error that is dropped or checked too late
	CodeJobErrorReturn = "DAG0505" // an error check that does more than to return the error
	CodeJobContext     = "DAG0506"
	CodeJobResource    = "DAG0507"
	CodeJobConfig      = "DAG0508"
	CodeJobType        = "DAG0509" // a value that Go would convert on its way
	CodeJobEmpty       = "DAG0510"
	CodeJobResult      = "DAG0511" // a result without a value of its own
	CodeJobMemory      = "DAG0512" // a write into memory that a plain call would share
	CodeGraphCycle     = "DAG0513" // graphs that call each other
	CodeJobDirective   = "DAG0514" // a directive of a statement that means nothing there
	CodeJobMapKey      = "DAG0515" // an expression that is no mapping key
	CodeGraphAsset     = "DAG0516" // a graph that cannot make assets in this way
	CodeConfigured     = "DAG0519" // a function marked //dag:configured that does not give something a config
	CodePreset         = "DAG0517" // a preset of something that is no job, or of a name that is taken; DAG0518 is what gen/preset finds in its file

	// What //dag:ignore and //dag:depends decide about versions.

	CodeDecisionSymbol = "DAG0604" // a symbol that cannot be found
	CodeDecisionKind   = "DAG0605" // a symbol that cannot be left out, or cannot count
	CodeDecisionPlace  = "DAG0606" // a declaration of which the directive can say nothing
)
