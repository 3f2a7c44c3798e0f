package hazard

import (
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// functions are the functions and variables of other packages that depend on more than their arguments.
var functions = map[Kind]map[string]string{
	Clock: {
		"time": "Now Since Until After AfterFunc NewTimer NewTicker Tick",
	},
	Random: {
		"math/rand": "Int Int31 Int31n Int63 Int63n Intn Uint32 Uint64 Float32 Float64 ExpFloat64 NormFloat64 Perm Shuffle Read Seed",
		"math/rand/v2": "Int IntN Int32 Int32N Int64 Int64N Uint Uint32 Uint32N Uint64 Uint64N UintN Float32 Float64 ExpFloat64 NormFloat64 " +
			"Perm Shuffle N",
		"crypto/rand":                "Read Int Prime Text Reader",
		"hash/maphash":               "MakeSeed",
		"github.com/google/uuid":     "New NewString NewRandom NewUUID NewV6 NewV7 NewDCEGroup NewDCEPerson",
		"github.com/gofrs/uuid":      "NewV1 NewV4 NewV6 NewV7",
		"github.com/gofrs/uuid/v5":   "NewV1 NewV4 NewV6 NewV7",
		"github.com/oklog/ulid":      "Make DefaultEntropy",
		"github.com/oklog/ulid/v2":   "Make DefaultEntropy",
		"github.com/rs/xid":          "New NewWithTime",
		"github.com/segmentio/ksuid": "New NewRandom",
	},
	Env: {
		"os": "Getenv LookupEnv Environ ExpandEnv Hostname Getwd Args Executable UserHomeDir UserCacheDir UserConfigDir Getpid Getppid Getuid " +
			"Geteuid Getgid Getegid Getgroups Setenv Unsetenv Clearenv Chdir",
		"os/user":               "Current Lookup LookupId LookupGroup LookupGroupId",
		"runtime":               "NumCPU GOMAXPROCS NumGoroutine Version ReadMemStats",
		"runtime/debug":         "ReadBuildInfo",
		"syscall":               "Getenv Environ Getwd Getpid",
		"time":                  "Local",
		"flag":                  "Parse Args Arg NArg Bool Int Int64 Uint Uint64 Float64 String Duration CommandLine",
		"path/filepath":         "Abs",
		"golang.org/x/sys/unix": "Getenv Environ Getpid Uname",
	},
	Network: {
		"net": "Dial DialTimeout DialIP DialTCP DialUDP DialUnix Listen ListenIP ListenPacket ListenTCP ListenUDP ListenUnix ListenUnixgram " +
			"ListenMulticastUDP LookupAddr LookupCNAME LookupHost LookupIP LookupMX LookupNS LookupPort LookupSRV LookupTXT ResolveIPAddr ResolveTCPAddr " +
			"ResolveUDPAddr Interfaces InterfaceAddrs InterfaceByIndex InterfaceByName DefaultResolver",
		"net/http": "Get Head Post PostForm ListenAndServe ListenAndServeTLS Serve ServeTLS DefaultClient DefaultTransport",
		"net/rpc":  "Dial DialHTTP DialHTTPPath", "net/rpc/jsonrpc": "Dial", "net/smtp": "Dial SendMail", "crypto/tls": "Dial DialWithDialer Listen",
		"log/syslog": "Dial New NewLogger", "database/sql": "Open OpenDB", "golang.org/x/crypto/ssh": "Dial", "google.golang.org/grpc": "Dial DialContext NewClient",
	},
	Files: {
		"os": "Open OpenFile OpenRoot OpenInRoot Create ReadFile WriteFile ReadDir Readlink Stat Lstat DirFS CopyFS Remove RemoveAll Rename " +
			"Mkdir MkdirAll Link Symlink Truncate Chmod Chown Chtimes Stdin",
		"io/ioutil":       "ReadFile WriteFile ReadDir",
		"path/filepath":   "Walk WalkDir Glob EvalSymlinks",
		"archive/zip":     "OpenReader",
		"text/template":   "ParseFiles ParseGlob",
		"html/template":   "ParseFiles ParseGlob",
		"debug/buildinfo": "ReadFile",
		"crypto/tls":      "LoadX509KeyPair",
		"crypto/x509":     "SystemCertPool",
		"go/parser":       "ParseDir",
		load.RuntimePath:  "OpenFile",
		"mime":            "TypeByExtension ExtensionsByType",
	},
	Exec: {
		"os/exec": "Command CommandContext LookPath", "os": "StartProcess FindProcess", "syscall": "Exec ForkExec StartProcess Kill", "plugin": "Open",
		"golang.org/x/sys/unix": "Exec Kill",
	},
	Run: {load.RuntimePath: "StepInfoFrom RunOf RunID JobName RunConfig RunTags StepTags MappingKeyOf RetryNumber OpOf JobOf"},
}

// methods are the same for methods, by "package.Type".
var methods = map[Kind]map[string]string{
	Env: {"time.Time": "Local"},
	Network: {
		"net/http.Client": "Do Get Head Post PostForm", "net/http.Transport": "RoundTrip", "net/http.Server": "ListenAndServe ListenAndServeTLS Serve",
		"net.Dialer": "Dial DialContext", "net.Resolver": "LookupAddr LookupCNAME LookupHost LookupIP LookupIPAddr LookupMX LookupNS LookupPort LookupSRV LookupTXT",
		"net.ListenConfig": "Listen ListenPacket", "crypto/tls.Dialer": "Dial DialContext",
		"database/sql.DB":   "Query QueryContext QueryRow QueryRowContext Exec ExecContext Ping PingContext Begin BeginTx Prepare PrepareContext Conn",
		"database/sql.Conn": "QueryContext QueryRowContext ExecContext PingContext BeginTx PrepareContext",
		"database/sql.Tx":   "Query QueryContext QueryRow QueryRowContext Exec ExecContext Prepare PrepareContext",
		"database/sql.Stmt": "Query QueryContext QueryRow QueryRowContext Exec ExecContext",
	},
	Files: {
		"text/template.Template": "ParseFiles ParseGlob", "html/template.Template": "ParseFiles ParseGlob",
		"os.Root": "Open OpenFile ReadFile WriteFile Create Stat Lstat FS Mkdir MkdirAll Remove RemoveAll Rename",
	},
}

// clients are packages of other modules that talk to the outside: what is called New..., Open..., Dial... or Connect... in them, or LoadDefaultConfig, counts as network.
var clients = []string{
	"github.com/aws/aws-sdk-go-v2", "github.com/aws/aws-sdk-go", "cloud.google.com/go", "github.com/Azure/azure-sdk-for-go", "github.com/jackc/pgx", "github.com/lib/pq",
	"github.com/redis/go-redis", "github.com/gomodule/redigo", "go.mongodb.org/mongo-driver", "github.com/segmentio/kafka-go", "github.com/IBM/sarama",
	"github.com/nats-io/nats.go", "github.com/rabbitmq/amqp091-go", "github.com/gorilla/websocket", "k8s.io/client-go", "github.com/minio/minio-go",
	"github.com/go-resty/resty", "github.com/hashicorp/go-retryablehttp", "gorm.io/gorm", "github.com/jmoiron/sqlx", "github.com/snowflakedb/gosnowflake",
	"github.com/ClickHouse/clickhouse-go", "github.com/elastic/go-elasticsearch", "golang.org/x/net/websocket", "github.com/pkg/sftp",
}

var clientPrefixes = []string{"New", "Open", "Dial", "Connect", "LoadDefaultConfig", "Default"}

// scratch are functions that make files of the step's own: what is done there is nobody's business.
var scratch = map[string]bool{"os.MkdirTemp": true, "os.CreateTemp": true, "io/ioutil.TempDir": true, "io/ioutil.TempFile": true, "os.TempDir": true}

var table = func() map[string]Kind {
	t := map[string]Kind{}
	for kind, pkgs := range functions {
		for path, names := range pkgs {
			for name := range strings.FieldsSeq(names) {
				t[path+"."+name] = kind
			}
		}
	}
	for kind, all := range methods {
		for typ, names := range all {
			for name := range strings.FieldsSeq(names) {
				t["("+typ+")."+name] = kind
			}
		}
	}
	return t
}()

// lookup returns the kind of hazard that an object of another package is.
func lookup(o types.Object) (Kind, bool) {
	if o == nil || o.Pkg() == nil {
		return "", false
	}
	path := o.Pkg().Path()
	f, isFunc := o.(*types.Func)
	if isFunc && f.Signature().Recv() != nil {
		recv := named(f.Signature().Recv().Type())
		if recv == nil {
			return "", false
		}
		k, ok := table["("+path+"."+recv.Name()+")."+o.Name()]
		return k, ok
	}
	if o.Parent() != o.Pkg().Scope() {
		return "", false
	}
	if k, ok := table[path+"."+o.Name()]; ok {
		return k, true
	}
	if isFunc {
		for _, c := range clients {
			if path == c || strings.HasPrefix(path, c+"/") {
				for _, p := range clientPrefixes {
					if strings.HasPrefix(o.Name(), p) {
						return Network, true
					}
				}
			}
		}
	}
	return "", false
}
