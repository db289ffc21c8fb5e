//! Where the bucket is: a host of its own on AWS, a path at an endpoint that was set.

use aws_config::SdkConfig;

use crate::calls::address::{domain, endpoint, region};

/// The address that the keys of the bucket's objects follow.
pub(super) fn of(sdk: &SdkConfig, bucket: &str) -> String {
    match endpoint(sdk, "S3") {
        Some(url) => format!("{}/{bucket}", url.trim_end_matches('/')),
        None => on_aws(sdk, bucket),
    }
}

fn on_aws(sdk: &SdkConfig, bucket: &str) -> String {
    let region = region(sdk);
    let domain = domain(region);
    let service = match (sdk.use_fips(), sdk.use_dual_stack()) {
        (Some(true), Some(true)) => "s3-fips.dualstack",
        (Some(true), Some(false) | None) => "s3-fips",
        (Some(false) | None, Some(true)) => "s3.dualstack",
        (Some(false) | None, Some(false) | None) => "s3",
    };
    // The certificate of `*.s3.REGION` holds for one label: a name with dots goes into the path.
    let label = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if bucket.bytes().all(label) {
        format!("https://{bucket}.{service}.{region}.{domain}")
    } else {
        format!("https://{service}.{region}.{domain}/{bucket}")
    }
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_types::origin::Origin;
    use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

    use super::*;

    #[derive(Debug)]
    struct ForS3;

    impl LoadServiceConfig for ForS3 {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let asked = (key.service_id(), key.env(), key.profile());
            (asked == ("S3", "AWS_ENDPOINT_URL", "endpoint_url")).then(|| "http://s3".to_owned())
        }
    }

    #[test]
    fn a_bucket_has_a_host_in_its_partition() {
        for (region, bucket, expected) in [
            (
                "eu-central-1",
                "b-1",
                "https://b-1.s3.eu-central-1.amazonaws.com",
            ),
            ("us-east-1", "b", "https://b.s3.us-east-1.amazonaws.com"),
            (
                "us-gov-west-1",
                "b",
                "https://b.s3.us-gov-west-1.amazonaws.com",
            ),
            (
                "cn-north-1",
                "b",
                "https://b.s3.cn-north-1.amazonaws.com.cn",
            ),
            (
                "eusc-de-east-1",
                "b",
                "https://b.s3.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "us-iso-east-1",
                "b",
                "https://b.s3.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "us-isob-east-1",
                "b",
                "https://b.s3.us-isob-east-1.sc2s.sgov.gov",
            ),
            ("eu-west-1", "a.b", "https://s3.eu-west-1.amazonaws.com/a.b"),
            (
                "us-east-1",
                "Old_B",
                "https://s3.us-east-1.amazonaws.com/Old_B",
            ),
        ] {
            let sdk = SdkConfig::builder().region(Region::new(region)).build();
            assert_eq!(of(&sdk, bucket), expected);
        }
    }

    #[test]
    fn fips_and_dual_stack_are_other_hosts() {
        for (fips, dual_stack, expected) in [
            (true, false, "https://b.s3-fips.us-east-1.amazonaws.com"),
            (
                false,
                true,
                "https://b.s3.dualstack.us-east-1.amazonaws.com",
            ),
            (
                true,
                true,
                "https://b.s3-fips.dualstack.us-east-1.amazonaws.com",
            ),
        ] {
            let sdk = SdkConfig::builder()
                .region(Region::new("us-east-1"))
                .use_fips(fips)
                .use_dual_stack(dual_stack)
                .build();
            assert_eq!(of(&sdk, "b"), expected);
        }
    }

    #[test]
    fn an_endpoint_has_the_bucket_in_its_path() {
        let at = |url: &str| SdkConfig::builder().endpoint_url(url).build();
        assert_eq!(of(&at("http://h:1"), "b"), "http://h:1/b");
        assert_eq!(of(&at("http://h/under/"), "b"), "http://h/under/b");
    }

    #[test]
    fn an_endpoint_for_s3_comes_before_that_of_the_environment_and_after_that_of_the_code() {
        for (origin, expected) in [
            (Origin::shared_environment_variable(), "http://s3/b"),
            (Origin::shared_profile_file(), "http://s3/b"),
            (Origin::shared_config(), "http://all/b"),
        ] {
            let mut sdk = SdkConfig::builder()
                .endpoint_url("http://all")
                .service_config(ForS3);
            sdk.insert_origin("endpoint_url", origin);
            assert_eq!(of(&sdk.build(), "b"), expected);
        }
    }
}
