//! Where a service of AWS is: at an endpoint that was set, or in a domain of its partition.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// The domains of the partitions that are not `amazonaws.com`, by how their regions begin.
const DOMAINS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// The endpoint that was set: in the configuration itself, else for this service, else for all of
/// AWS.
pub(crate) fn endpoint(sdk: &SdkConfig, service_id: &'static str) -> Option<String> {
    let for_all = sdk.endpoint_url().map(str::to_owned);
    if sdk.get_origin("endpoint_url").is_client_config() {
        return for_all;
    }
    let key = ServiceConfigKey::builder()
        .service_id(service_id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("all three parts of the key are set");
    let own = sdk.service_config().and_then(|set| set.load_config(key));
    own.or(for_all)
}

/// The region; without one there is nothing to sign for, and every call fails for that.
pub(crate) fn region(sdk: &SdkConfig) -> &str {
    sdk.region().map_or("", AsRef::as_ref)
}

/// The domain of a region's partition.
pub(crate) fn domain(region: &str) -> &'static str {
    let other = DOMAINS
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    other.map_or("amazonaws.com", |(_, domain)| domain)
}
