//! How large an item is, as DynamoDB counts it.
//!
//! The rule is Amazon's ("DynamoDB item sizes and formats"): names and texts in UTF-8 bytes,
//! binary as it is, a number as one byte for two significant digits and one more, a null or
//! boolean one byte, a list or map three bytes and one for each entry besides the entries.

use aws_sdk_dynamodb::types::AttributeValue;

use super::codec::Item;

/// Bytes of an item, its attribute names included.
pub(crate) fn item_size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number_size(number)).sum(),
        AttributeValue::Bs(all) => all.iter().map(|bytes| bytes.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            3 + values.len() + values.iter().map(value_size).sum::<usize>()
        }
        AttributeValue::M(fields) => 3 + fields.len() + item_size(fields),
        // Null, boolean, and whatever the SDK does not know yet.
        _ => 1,
    }
}

/// Whole numbers alone are stored here; a fraction is counted a little too large.
fn number_size(number: &str) -> usize {
    let digits = number.trim_start_matches(['-', '0']).trim_end_matches('0');
    1 + digits.len().div_ceil(2) + usize::from(number.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;

    fn check(value: AttributeValue, expected: usize) {
        let item = Item::from([("né".to_owned(), value.clone())]);
        assert_eq!(item_size(&item), 3 + expected, "{value:?}");
    }

    #[test]
    fn every_type_is_counted_by_amazons_rule() {
        check(AttributeValue::S("é".to_owned()), 2);
        check(AttributeValue::B(Blob::new([0; 16])), 16);
        check(AttributeValue::Bool(true), 1);
        check(AttributeValue::Null(true), 1);
        check(AttributeValue::Ss(vec!["ab".to_owned(), "c".to_owned()]), 3);
        check(
            AttributeValue::L(vec![
                AttributeValue::Bool(true),
                AttributeValue::N("7".to_owned()),
            ]),
            8,
        );
        let map = Item::from([("k".to_owned(), AttributeValue::S("v".to_owned()))]);
        check(AttributeValue::M(map), 6);
    }

    #[test]
    fn numbers_count_their_significant_digits() {
        for (number, expected) in [
            ("0", 1),
            ("7", 2),
            ("42", 2),
            ("100", 2),
            ("-42", 3),
            ("1795296000007", 8),
        ] {
            check(AttributeValue::N(number.to_owned()), expected);
        }
    }
}
