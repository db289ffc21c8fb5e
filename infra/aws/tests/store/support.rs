//! A DynamoDB and a bucket in memory behind the SDK's connector, which keep what went over the wire.
//!
//! The DynamoDB is the embedded one, or, with `TASKMILL_TEST_DYNAMODB_URL`, another one at that
//! address: every case then runs against a database that we did not write.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use taskmill_aws::payloads::Payloads;
use taskmill_aws::store::Store;
use taskmill_aws::tables::{Shards, TableNames, create_all};

/// The address of another DynamoDB than the embedded one.
const URL: &str = "TASKMILL_TEST_DYNAMODB_URL";

/// An AWS of DynamoDB and S3.
#[derive(Debug, Clone)]
pub struct Emulator {
    dynamodb: DynamoDb,
    /// Another DynamoDB keeps the tables of each caller apart by the key that it signs with.
    key_id: String,
    state: Arc<Mutex<State>>,
}

/// Who answers as DynamoDB.
#[derive(Clone)]
enum DynamoDb {
    Embedded(Database),
    At(String),
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DynamoDb")
    }
}

impl Default for Emulator {
    fn default() -> Self {
        let dynamodb = match std::env::var(URL) {
            Ok(url) => DynamoDb::At(url),
            Err(_) => DynamoDb::Embedded(Database::memory().unwrap()),
        };
        Self {
            dynamodb,
            key_id: uuid::Uuid::now_v7().simple().to_string(),
            state: Arc::default(),
        }
    }
}

#[derive(Default)]
struct State {
    objects: HashMap<String, Vec<u8>>,
    calls: Vec<Call>,
    lose: Option<&'static str>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

/// A request that DynamoDB or S3 answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: String,
    pub request: Value,
    pub response: Value,
}

impl Emulator {
    /// The calls since this was last asked.
    pub fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    /// The write units since calls were last asked for, by table and index; tables under `table`.
    pub fn write_units(&self) -> BTreeMap<String, f64> {
        let mut units = BTreeMap::new();
        for call in self.calls() {
            if !["PutItem", "UpdateItem", "DeleteItem"].contains(&call.operation.as_str()) {
                continue;
            }
            let capacity = &call.response["ConsumedCapacity"];
            let table = capacity["Table"]["CapacityUnits"]
                .as_f64()
                .unwrap_or_default();
            *units.entry("table".to_owned()).or_default() += table;
            for (index, used) in capacity["GlobalSecondaryIndexes"]
                .as_object()
                .into_iter()
                .flatten()
            {
                *units.entry(index.clone()).or_default() +=
                    used["CapacityUnits"].as_f64().unwrap_or_default();
            }
        }
        units
    }

    /// The next call of this operation does its work, and its answer is lost.
    pub fn lose_answer_of(&self, operation: &'static str) {
        self.state.lock().unwrap().lose = Some(operation);
    }

    /// The names of the objects in the bucket.
    pub fn objects(&self) -> Vec<String> {
        let mut names: Vec<_> = self.state.lock().unwrap().objects.keys().cloned().collect();
        names.sort();
        names
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new(&self.key_id, "secret", None, None, "test"))
            .http_client(self.clone())
            .build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    fn payloads(&self) -> Payloads {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-central-1"))
            .endpoint_url("http://s3")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.clone())
            .build();
        Payloads::new(&config, "payloads")
    }

    /// A store over tables of its own.
    pub async fn store(&self) -> Store {
        self.store_with(Shards::default()).await
    }

    pub async fn store_with(&self, shards: Shards) -> Store {
        create_all(&self.dynamodb(), &TableNames::default())
            .await
            .unwrap();
        self.calls();
        let tables = TableNames::default();
        Store::new(self.dynamodb(), tables, shards, self.payloads())
    }

    /// Puts an item as it is.
    pub async fn put(&self, table: &str, item: &Value) {
        let request = json!({ "TableName": table, "Item": item });
        let (status, answer) = self.dispatch("PutItem", &request).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn answer(&self, request: HttpRequest) -> HttpResponse {
        let body = request.body().bytes().unwrap_or_default();
        match request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.rsplit('.').next())
        {
            Some(operation) => self.dynamodb_answer(operation, body).await,
            None => self.s3_answer(&request, body),
        }
    }

    async fn dynamodb_answer(&self, operation: &str, body: &[u8]) -> HttpResponse {
        let mut request: Value = serde_json::from_slice(body).unwrap();
        if !operation.contains("Table") && operation != "UpdateTimeToLive" {
            request["ReturnConsumedCapacity"] = json!("INDEXES");
        }
        let (status, response) = self.dispatch(operation, &request).await;
        let call = Call {
            operation: operation.to_owned(),
            request,
            response: response.clone(),
        };
        let mut state = self.state.lock().unwrap();
        state.calls.push(call);
        if state.lose.take_if(|lost| *lost == operation).is_some() {
            return reply(500, b"{\"__type\":\"InternalServerError\"}".to_vec());
        }
        reply(status, serde_json::to_vec(&response).unwrap())
    }

    async fn dispatch(&self, operation: &str, request: &Value) -> (u16, Value) {
        match &self.dynamodb {
            DynamoDb::Embedded(database) => dispatch(database, operation, request),
            DynamoDb::At(url) => self.ask(url, operation, request).await,
        }
    }

    /// Asks another DynamoDB. Those of one machine check no signature.
    async fn ask(&self, url: &str, operation: &str, request: &Value) -> (u16, Value) {
        let scope = format!(
            "{}/20260101/eu-central-1/dynamodb/aws4_request",
            self.key_id
        );
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0000000000000000"
        );
        let client = taskmill_aws::sdk::http().build().unwrap();
        let answer = client
            .post(url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", signature)
            .body(request.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    fn s3_answer(&self, request: &HttpRequest, body: &[u8]) -> HttpResponse {
        let path = request.uri().split("payloads/").nth(1).unwrap_or_default();
        let name = path.split('?').next().unwrap_or_default().to_owned();
        let mut state = self.state.lock().unwrap();
        let call = Call {
            operation: request.method().to_owned(),
            request: json!(name),
            response: Value::Null,
        };
        state.calls.push(call);
        if request.method() == "PUT" {
            state.objects.insert(name, body.to_vec());
            return reply(200, Vec::new());
        }
        match state.objects.get(&name) {
            Some(object) => reply(200, object.clone()),
            None => reply(404, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        }
    }
}

fn dispatch(db: &Database, operation: &str, request: &Value) -> (u16, Value) {
    match operation {
        "CreateTable" => answer(request, |r| db.create_table(r)),
        "UpdateTimeToLive" => answer(request, |r| db.update_time_to_live(r)),
        "DescribeTimeToLive" => answer(request, |r| db.describe_time_to_live(r)),
        "DescribeTable" => answer(request, |r| db.describe_table(r)),
        "PutItem" => answer(request, |r| db.put_item(r)),
        "UpdateItem" => answer(request, |r| db.update_item(r)),
        "DeleteItem" => answer(request, |r| db.delete_item(r)),
        "GetItem" => answer(request, |r| db.get_item(r)),
        "BatchGetItem" => answer(request, |r| db.batch_get_item(r)),
        "Query" => answer(request, |r| db.query(r)),
        // A scan, above all.
        other => panic!("the store asked for {other}"),
    }
}

fn answer<R: DeserializeOwned, A: Serialize>(
    request: &Value,
    call: impl FnOnce(R) -> dynoxide::Result<A>,
) -> (u16, Value) {
    match call(serde_json::from_value(request.clone()).unwrap()) {
        Ok(answer) => (200, serde_json::to_value(answer).unwrap()),
        Err(error) => (
            error.status_code(),
            serde_json::from_str(&error.to_json()).unwrap(),
        ),
    }
}

fn reply(status: u16, body: Vec<u8>) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

impl HttpConnector for Emulator {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let emulator = self.clone();
        HttpConnectorFuture::new(async move { Ok(emulator.answer(request).await) })
    }
}

impl HttpClient for Emulator {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
